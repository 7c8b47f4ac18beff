"""Drops dossiers on the page and compares what it shows with `mifeng verify --json`.

    drive.py BROWSER MIFENG WORK-FOLDER     (called by run.sh)
"""

import base64
import functools
import http.server
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

from cdp import Browser

ANSWER = "JSON.stringify(state.last.data)"
SHOWN = """JSON.stringify([...document.querySelectorAll('#rows tr')].map((row) => ({
    id: row.querySelector('.id').textContent, title: row.querySelector('.name').textContent,
    verdict: row.className, saw: row.querySelector('.saw').firstChild.textContent,
    code: row.querySelector('code')?.textContent ?? null })))"""
VERDICTS = {"pass": ("通过", "pass"), "part": ("部分", "in part"), "fail": ("未通过", "FAIL"), "notrun": ("未进行", "not run")}


class Trial:
    """The browser, the command, and the count."""

    def __init__(self, browser, mifeng, work):
        self.browser, self.mifeng, self.work = browser, mifeng, work
        self.passed = self.failed = 0

    def check(self, name, holds, more=""):
        if holds:
            self.passed += 1
            print("ok      browser:", name, flush=True)
        else:
            self.failed += 1
            print("FAILED  browser:", name, str(more)[:600], flush=True)

    def command(self, dossier, *more):
        """What the command prints, and how long it takes."""
        start = time.monotonic()
        run = subprocess.run([self.mifeng, "verify", "--json", str(dossier), *map(str, more)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return run.stdout.decode(), time.monotonic() - start

    def verified(self):
        """Waits for the page's verdict."""
        self.browser.wait("document.getElementById('busy').hidden && state.last !== null")
        done = json.loads(self.browser.run(ANSWER))
        if "answer" not in done:
            raise RuntimeError("the page could not verify: %s" % done)
        return done

    def fresh(self, url):
        """The page, new."""
        self.browser.go(url)


def shown_as(report, lang):
    """The rows that a report must give."""
    return [{"id": c["id"], "title": c[lang], "verdict": c["verdict"],
             "saw": c["saw_" + lang] + (" " if c["code"] else ""), "code": c["code"]}
            for c in report["checks"]]


def same_rows(trial, name, report, lang="zh"):
    found = json.loads(trial.browser.run(SHOWN))
    for row in found:
        row["saw"] = row["saw"].rstrip(" ")
    expected = shown_as(report, lang)
    for row in expected:
        row["saw"] = row["saw"].rstrip(" ")
    trial.check(name + ": rows are the command's", found == expected, (found, expected))


def sound(trial, url, dossier, name, drop):
    """A sound dossier, dropped or chosen."""
    trial.fresh(url)
    if drop:
        trial.browser.drop("#drop", [dossier])
    else:
        trial.browser.choose("#dossier", [dossier])
    done = trial.verified()
    printed, seconds = trial.command(dossier)
    answer = done["answer"]
    trial.check(name + ": valid", answer["valid"], answer)
    at = trial.browser.run("state.last.request.at")
    # A fraction that ends in 0 is not canonical: one millisecond in ten would be refused.
    trial.check(name + ": asked for at a whole second", re.fullmatch(r"[-0-9]{10}T[:0-9]{8}Z", at), at)
    trial.check(name + ": JSON byte for byte the command's", answer["json"] == printed,
                (answer["json"], printed))
    same_rows(trial, name, json.loads(printed))
    title = trial.browser.run("document.getElementById('verdict').textContent")
    trial.check(name + ": the banner says so", title == "档案有效", title)
    print("        %s: %.1f MB, browser %.1f s, command %.1f s, memory of the module %.0f MB, %.1f MB read"
          % (name, dossier.stat().st_size / 1e6, done["ms"] / 1e3, seconds, done["memory"] / 1e6,
             done["read"] / 1e6), flush=True)


def offsets(dossier):
    """Where each file of a plain ustar archive lies."""
    data, at, found = dossier.read_bytes(), 0, {}
    while data[at]:
        name = data[at:at + 100].rstrip(b"\0").decode()
        size = int(data[at + 124:at + 135], 8)
        found[name] = (at, at + 512, size)
        at += 512 + (size + 511) // 512 * 512
    return data, found


def changed(trial, url, dossier, suite):
    """One byte of each kind of file flipped: the page names what the command names."""
    data, found = offsets(dossier)
    rng = random.Random(7)
    kinds = {}
    for name, place in found.items():
        kinds.setdefault(name.split("/")[0], []).append((name, place))
    flips = [("header", found[sorted(found)[3]][0] + 130)]
    for kind, members in sorted(kinds.items()):
        name, (_, start, size) = rng.choice([m for m in members if m[1][2]])
        flips.append((name, start + rng.randrange(size)))
    trial.fresh(url)
    for number, (name, at) in enumerate(flips):
        # A browser tells nobody when the file that is chosen already is chosen again.
        path = trial.work / ("changed-%d.tar" % number)
        bad = bytearray(data)
        bad[at] ^= 1 << rng.randrange(8)
        path.write_bytes(bad)
        trial.browser.run("state.last = null")
        trial.browser.choose("#dossier", [path])
        answer = trial.verified()["answer"]
        printed, _ = trial.command(path)
        label = "%s, a byte of %s" % (suite, name)
        trial.check(label + ": refused", answer["valid"] is False and answer["report"] is not None,
                    answer)
        failed = [c for c in answer["report"]["checks"] if c["verdict"] == "fail"]
        trial.check(label + ": one check named", len(failed) == 1, failed)
        if name == "header":
            # The command has no report for what is no bundle: it names V1 and the reason.
            trial.check(label + ": V1", failed[0]["id"] == "V1" and failed[0]["code"] == "file.malformed")
        else:
            trial.check(label + ": JSON the command's (%s %s)" % (failed[0]["id"], failed[0]["code"]),
                        answer["json"] == printed, (answer["json"], printed))
        same_rows(trial, label, answer["report"])
    title = trial.browser.run("document.getElementById('verdict').textContent")
    trial.check("%s: the banner says so" % suite, title == "档案无效", title)
    culprit = trial.browser.run("document.getElementById('culprit').textContent")
    trial.check("%s: the culprit is shown" % suite, failed[0]["id"] in culprit, culprit)
    trial.browser.picture(trial.work / ("invalid-%s.png" % suite))


def given(trial, url, folder):
    """Trusted roots, an earlier bundle, a receipt."""
    dossier, browser = folder / "dossier.tar", trial.browser
    root = folder / "ca" / "root.cer"
    root = root if root.exists() else folder / "platform" / "root.cer"
    other = trial.work / ("intl" if folder.name == "gm" else "gm") / "platform" / "root.cer"
    receipt, record = (folder / "bidder1" / ("lot1." + end) for end in ("receipt", "rec"))

    def ask(name, files, *options):
        trial.fresh(url)
        browser.drop("#drop", files)
        done = trial.verified()
        printed, _ = trial.command(dossier, *options)
        trial.check(name + ": report is the command's",
                    printed.startswith(done["answer"]["json"]) and done["answer"]["json"],
                    (done["answer"], printed))
        return done["answer"]

    def codes(answer):
        return [note["code"] for note in answer["not_checked"]]

    answer = ask("nothing given", [dossier])
    trial.check("nothing given: said", codes(answer) == [
        "not-checked.roots", "not-checked.earlier", "not-checked.receipt"], answer)
    shown = browser.run("document.getElementById('open').innerText")
    trial.check("nothing given: shown", all(n["zh"] in shown for n in answer["not_checked"]), shown)

    everything = [dossier, root, folder / "tender.tar", receipt, record]
    answer = ask("all given", everything, "--trust", root, "--earlier", folder / "tender.tar")
    trial.check("all given: valid, nothing left open", answer["valid"] and not codes(answer), answer)
    trial.check("all given: the receipt holds", answer["receipt"]["holds"], answer["receipt"])
    browser.picture(trial.work / "given.png")

    answer = ask("receipt without its record", [dossier, receipt])
    trial.check("receipt without its record: found in the dossier", answer["receipt"]["holds"],
                answer["receipt"])
    answer = ask("another root", [dossier, other], "--trust", other)
    trial.check("another root: V3", [c["code"] for c in answer["report"]["checks"]
                                     if c["verdict"] == "fail"] == ["cert.untrusted-root"], answer)
    wrong = trial.work / "other.receipt"
    shutil.copy(folder.parent / ("intl" if folder.name == "gm" else "gm") / "bidder1" / "lot1.receipt",
                wrong)
    answer = ask("another tender's receipt", [dossier, wrong])
    trial.check("another tender's receipt: does not hold, and the banner says so",
                not answer["valid"] and not answer["receipt"]["holds"]
                and "回执不符" in browser.run("document.getElementById('verdict').textContent"), answer)
    trial.fresh(url)
    browser.drop("#drop", [dossier, trial.junk])
    answer = trial.verified()["answer"]
    trial.check("a certificate that is none: a problem, no verdict",
                answer["problem"] is not None and answer["report"] is None and not answer["valid"],
                answer)
    browser.picture(trial.work / "problem.png")


VECTORS = pathlib.Path(__file__).resolve().parents[2] / "test-vectors"
OUTCOMES = {"pass": "pass", "unknown": "unknown", "fail": "fail", "not-run": "notrun"}


def documents(trial, url):
    """Sealed OFD and PDF documents, sound and bent: the steps are those of `mifeng stamp verify`."""
    stamp, pdf = VECTORS / "stamp", VECTORS / "pdf"
    beside = {stamp: [stamp / "root.pem", stamp / "root.crl"],
              pdf: [pdf / "roots.pem", pdf / "sm2.crl", pdf / "p256.crl"]}
    files = [stamp / (name + ".ofd") for name in ("one-seal", "page-changed", "annotation-added", "unsigned", "stripped")]
    files += sorted(pdf.glob("*.pdf"))[:6]
    for path in files:
        given = beside[path.parent]
        trial.fresh(url)
        trial.browser.drop("#drop", [path, *given])
        answer = trial.verified()["answer"]
        options = [x for g in given for x in ("--crl" if g.suffix == ".crl" else "--trust", str(g))]
        run = subprocess.run([trial.mifeng, "--json", "stamp", "verify", str(path), *options],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        said = json.loads(run.stdout)
        steps = [said["steps"]] + [one["steps"] for one in said["signatures"]]
        expected = [[str(n), s["zh"], OUTCOMES[s["outcome"]], s["code"]] for n, part in enumerate(steps) for s in part]
        found = [[c["id"], c["zh"], c["verdict"], c["code"]] for c in answer["document"]["checks"]]
        trial.check("%s: the steps are the command's (%s)" % (path.name, said["verdict"]),
                    found == expected and answer["document"]["verdict"] == said["verdict"], (found, expected))
        title = trial.browser.run("document.getElementById('verdict').textContent")
        words = {"valid": "文件签章有效", "undetermined": "文件签章无法确认"}
        trial.check("%s: the banner says so" % path.name, title == words.get(said["verdict"], "文件签章无效"), title)
        rows = trial.browser.run("document.querySelectorAll('#rows tr').length")
        trial.check("%s: a row for each step" % path.name, rows == len(expected), rows)
        trial.browser.picture(trial.work / ("document-%s.png" % path.name))


def manners(trial, url, dossier):
    """Languages, keyboard, names for screen readers, no way out, stopping."""
    browser = trial.browser
    trial.fresh(url)
    browser.events.clear()
    browser.size(1100, 900)
    browser.picture(trial.work / "start-zh.png")
    browser.choose("#dossier", [dossier])
    trial.check("the page answers while the module works",
                browser.run("document.getElementById('busy').hidden") is False)
    browser.picture(trial.work / "busy-zh.png")
    done = trial.verified()
    report = done["answer"]["report"]
    trial.check("focus is on the verdict", browser.run("document.activeElement.id") == "verdict")
    trial.check("the verdict is announced",
                browser.run("document.getElementById('status').textContent") == "档案有效")
    browser.picture(trial.work / "valid-zh.png")
    browser.run("document.getElementById('lang').focus()")
    browser.press("Enter", "Enter", 13)
    same_rows(trial, "English by keyboard", report, "en")
    trial.check("the page's language follows", browser.run("document.documentElement.lang") == "en")
    left = browser.run(r"(document.body.innerText.match(/[\u4e00-\u9fff]+/g) ?? []).join(' ')")
    left = set(left.split()) - {"密", "中文"} - set(own_words(report))
    trial.check("no Chinese left but the seal, the switch and the tender's own words", not left, left)
    browser.picture(trial.work / "valid-en.png")
    browser.size(390, 800)
    browser.picture(trial.work / "narrow-en.png")
    wide = browser.run("document.documentElement.scrollWidth")
    trial.check("no sideways scrolling at 390 pixels", wide <= 390, wide)
    browser.size(1100, 900)
    pdf = browser.send("Page.printToPDF", {"printBackground": True})["data"]
    (trial.work / "printed.pdf").write_bytes(base64.b64decode(pdf))
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    roles = [n["role"]["value"] for n in nodes if "role" in n and not n.get("ignored")]
    trial.check("a screen reader finds 14 row headers", roles.count("rowheader") == 14,
                roles.count("rowheader"))
    unnamed = [n["role"]["value"] for n in nodes
               if not n.get("ignored") and n.get("role", {}).get("value") in ("button", "link", "textbox")
               and not n.get("name", {}).get("value")]
    trial.check("every control has a name", not unnamed, unnamed)
    order = []
    # From the page's first stop on; where a blurred page goes on is the browser's choice.
    browser.run("document.querySelector('.skip').focus()")
    for _ in range(12):
        browser.press("Tab", "Tab", 9)
        order.append(browser.run("document.activeElement.id || document.activeElement.tagName"))
    steps = [order.index(i) for i in ("lang", "dossier", "SUMMARY", "start", "print", "save") if i in order]
    trial.check("the tab order is that of the page", len(steps) == 6 and steps == sorted(steps), order)

    calls = [e["params"]["request"]["url"] for e in browser.events
             if e["method"] == "Network.requestWillBeSent"]
    trial.check("no request while verifying", [c for c in calls if c.startswith("http")] == []
                or url.startswith("http"), calls)
    refused = browser.run("fetch('http://127.0.0.1:9/').then(() => 'went', (e) => String(e))")
    blocked = browser.run("""new Promise((done) => {
        document.addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective));
        fetch('http://127.0.0.1:9/').catch(() => setTimeout(() => done('none'), 500)); })""")
    trial.check("the page's own policy forbids connections", blocked == "connect-src",
                (refused, blocked))
    trial.fresh(url)
    browser.choose("#dossier", [dossier])
    browser.run("document.getElementById('stop').click()")
    trial.check("stopped: no verdict", "没有得出结论"
                in browser.run("document.getElementById('verdict').textContent"))
    browser.run("document.getElementById('start').click()")
    trial.browser.wait("document.getElementById('busy').hidden && state.last.data.type === 'done'")
    trial.check("and verified after all", json.loads(browser.run(ANSWER))["answer"]["valid"])


def own_words(report):
    """The Chinese words that the tender itself brings into an English report."""
    text = " ".join([report["tender"] or ""] + [c["saw_en"] for c in report["checks"]])
    return re.findall("[\u4e00-\u9fff]+", text)


def imports(trial, page):
    """The module asks for nothing but its two functions: no randomness, no clock."""
    trial.fresh((page / "mifeng-verify.html").as_uri())
    found = json.loads(trial.browser.run("""(async () => { const m = await WebAssembly.compile(
        Uint8Array.from(atob($('wasm-source').textContent), (c) => c.charCodeAt(0)));
        return JSON.stringify(WebAssembly.Module.imports(m).map((i) => i.module + '.' + i.name).sort());
        })()"""))
    trial.check("the module imports read and failed alone", found == ["mifeng.failed", "mifeng.read"],
                found)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the folder without talking."""

    def log_message(self, *_):
        pass


def main():
    program, mifeng, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
    page = work / "page"
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(page)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    one = (page / "mifeng-verify.html").as_uri()
    served = "http://127.0.0.1:%d/index.html" % server.server_port
    browser = Browser(program, work / "profile")
    trial = Trial(browser, mifeng, work)
    trial.junk = work / "junk.cer"
    trial.junk.write_bytes(b"no certificate\n")
    try:
        imports(trial, page)
        for suite in ("gm", "intl"):
            dossier = work / suite / "dossier.tar"
            sound(trial, one, dossier, suite + " from a file", drop=True)
            changed(trial, one, dossier, suite)
        sound(trial, served, work / "intl" / "dossier.tar", "intl from a server", drop=False)
        documents(trial, one)
        given(trial, one, work / "intl")
        manners(trial, one, work / "intl" / "dossier.tar")
        for path in map(pathlib.Path, sys.argv[4:]):
            sound(trial, one, path, path.name, drop=False)
    finally:
        browser.close()
        server.shutdown()
    print("browser: %d passed, %d failed; pictures in %s" % (trial.passed, trial.failed, work))
    sys.exit(1 if trial.failed else 0)


if __name__ == "__main__":
    main()
