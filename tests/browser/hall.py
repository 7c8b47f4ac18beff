"""Follows a whole tender in the opening hall, as a person with a browser does.

    MIFENG=path/to/mifeng python3 tests/browser/hall.py BROWSER WORK-FOLDER

`mifeng serve --demo` plays it; the page must show nothing of bids before the close, then the roll, the
releases, the prices and the result as they come, without being loaded again. Pictures go to the folder.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.request

from cdp import Browser

BIDDERS = 3
TEXT = "document.body.innerText"


class Trial:
    """The host, the browser, the count."""

    def __init__(self, program, work):
        self.work = pathlib.Path(work)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.passed = self.failed = 0
        self.browser = Browser(program, self.work / "profile")
        chinese = {"headers": {"accept-language": "zh-CN,zh;q=0.9"}}
        self.browser.send("Network.setExtraHTTPHeaders", chinese)

    def check(self, name, holds, more=""):
        if holds:
            self.passed += 1
            print("ok      hall:", name, flush=True)
        else:
            self.failed += 1
            print("FAILED  hall:", name, str(more)[:600], flush=True)

    def go(self, url, wait="true"):
        self.browser.send("Page.navigate", {"url": url})
        self.browser.wait("location.href === %s && document.readyState === 'complete' && (%s)"
                          % (json.dumps(url), wait), 60)

    def picture(self, name):
        self.browser.picture(self.work / (name + ".png"))

    def play(self, seconds):
        """Starts the demo; the address of its hall."""
        keep = self.work / ("demo-%d" % seconds)
        self.log = open(self.work / "demo.log", "w+")
        self.demo = subprocess.Popen(
            [os.environ["MIFENG"], "serve", "--demo", "--listen", "127.0.0.1:0", "--bidders",
             str(BIDDERS), "--size", "2", "--suite", "intl", "--seconds", str(seconds), "--pace",
             "300", "--keep", str(keep)],
            stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(600):
            found = re.search(r"http://\S+/hall", (self.work / "demo.log").read_text())
            if found:
                return found.group(0)
            if self.demo.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError((self.work / "demo.log").read_text()[-2000:])

    def view(self, hall):
        with urllib.request.urlopen(hall.replace("/t/", "/v1/tenders/").removesuffix("/hall")) as answer:
            return json.load(answer)

    def follow(self, hall):
        home = hall.split("/t/")[0] + "/"
        # The notice comes by HTTP too: the hall is there before it.
        while self.view(hall)["stage"] == "setup":
            time.sleep(0.1)
        self.go(home)
        self.check("the tender is in the list", self.browser.run("!!document.querySelector('.card h2 a')"))
        self.picture("1-list")
        self.go(hall.removesuffix("/hall"))
        self.check("the notice names its lots", self.browser.run("document.querySelectorAll('tbody tr').length") == 2)
        self.picture("2-notice")

        self.go(hall, "document.querySelector('.count').textContent.includes(':')")
        first = self.browser.run("document.querySelector('.count').textContent")
        self.browser.run("window.sameDocument = true")
        text = self.browser.run(TEXT)
        self.check("nothing of bids before the close", "有限公司" not in text and "唱标" not in text, text)
        self.browser.wait("document.querySelector('.count').textContent !== %s" % json.dumps(first), 10)
        self.check("the countdown runs", True)
        self.picture("3-before-the-close")
        axe = self.browser.run("""[...document.querySelectorAll('a,button,input')].filter(
            (e) => !(e.textContent.trim() || e.getAttribute('aria-label'))).length""")
        self.check("everything that can be reached has a name", axe == 0)

        self.browser.wait("document.querySelectorAll('.roll tbody tr').length >= %d" % (2 * BIDDERS), 300)
        self.check("the roll appears by itself", self.browser.run("window.sameDocument === true"))
        self.picture("4-closed")
        self.browser.wait("document.querySelectorAll('tr.opened').length >= %d" % (2 * BIDDERS), 120)
        prices = self.browser.run("[...document.querySelectorAll('tr.opened .num')].map((e) => e.textContent)")
        self.check("every price is read out", all(re.fullmatch(r"\d+\.\d\d", p) for p in prices), prices)
        self.check("trustees' releases are listed", "受托人" in self.browser.run(TEXT))
        self.picture("5-opened")
        self.browser.size(390, 844)
        self.picture("6-narrow")
        wide = self.browser.run("document.documentElement.scrollWidth <= 400")
        self.check("a narrow window scrolls one way", wide)
        self.browser.send("Emulation.clearDeviceMetricsOverride")
        self.browser.wait("document.querySelector('.badge').textContent.includes('已归档')", 300)
        self.check("still the same page at the end", self.browser.run("window.sameDocument === true"))
        self.picture("7-archived")

        self.go(hall.removesuffix("/hall") + "/result?lang=en")
        text = self.browser.run(TEXT)
        self.check("the result, in English", "Winner" in text and self.browser.run(
            "document.querySelectorAll('tbody tr').length") == 2, text)
        self.picture("8-result")
        self.go(home + "audit")
        self.check("the auditor finds the dossier", self.browser.run("!!document.querySelector('a[download]')"))
        self.picture("9-audit")

        # Without scripts the hall says the same.
        self.browser.send("Emulation.setScriptExecutionDisabled", {"value": True})
        with urllib.request.urlopen(hall) as answer:
            page = answer.read().decode()
        self.check("the page without its script holds the roll", page.count('class="opened"') >= 2 * BIDDERS)
        self.browser.send("Emulation.setScriptExecutionDisabled", {"value": False})
        logged = [e for e in self.browser.events if e["method"] == "Runtime.exceptionThrown"]
        self.check("no script failed", not logged, logged)

    def end(self):
        self.browser.close()
        if getattr(self, "demo", None):
            # The papers are still being set when the pages are done; only then does the host wait for its end.
            until = time.monotonic() + 180
            while "Ctrl-C" not in (self.work / "demo.log").read_text() and self.demo.poll() is None:
                if time.monotonic() > until:
                    break
                time.sleep(0.2)
            self.demo.terminate()
            self.check("the host ends in order", self.demo.wait(30) == 0)


def main():
    trial = Trial(sys.argv[1], sys.argv[2])
    try:
        # A bid that comes late on a busy machine ends the demo: then with more time.
        for seconds in (20, 90):
            hall = trial.play(seconds)
            try:
                trial.follow(hall)
                break
            except (RuntimeError, TimeoutError, OSError):
                late = "bid.late" in (trial.work / "demo.log").read_text()
                if not late or seconds == 90:
                    raise
                trial.demo.wait(30)
    finally:
        trial.end()
    print("%d passed, %d failed; pictures in %s" % (trial.passed, trial.failed, trial.work))
    sys.exit(1 if trial.failed else 0)


if __name__ == "__main__":
    main()
