"""Seals bids in the bidder's desk of a real host, and follows them through the opening.

    MIFENG=path/to/mifeng python3 tests/browser/desk.py BROWSER PAGE-FOLDER WORK-FOLDER [BYTES]

PAGE-FOLDER is what crates/shell/mifeng-wasm/build.sh makes. For each suite a tender is set up by commands and served;
bidder 1 seals, saves and sends in the page, bidders 2 and 3 by commands; bidder 4 replaces its bid in the page and withdraws it.
The host ends after the close; the rest runs by commands: bidder 1 releases its leaf with the backup that the page gave, and what is opened must be its files.
"""

import datetime
import json
import os
import pathlib
import shutil
import sys
import threading
import time
import urllib.request

from changed import Changed
from tender import PIN, PRICES, Tender

SECONDS = int(os.environ.get("DESK_SECONDS", Tender.seconds))
BYTES = int(sys.argv[4]) if len(sys.argv) > 4 else Tender.large


class Desk(Changed):
    """All that the desk does, in its order."""

    def whole(self, tender):
        """A bid from the first click to the receipt."""
        suite = tender.suite
        self.go(tender.url + "/bid?lang=zh")
        self.look()
        board = self.browser.run("document.getElementById('relied').textContent")
        self.check(suite + ": the records hold", "核验通过" in self.said(), self.said())
        self.check(suite + ": board, root and notice are shown", "开标委员会公钥" in board and "Desk CA" in board, board)
        self.fill(tender)
        said = self.seal()
        self.check(suite + ": sealed once", "已密封" in said, said)
        # More than time alone ever gives: what comes after stands on what was remembered.
        self.check(suite + ": the page remembers the count", 0 < self.number() < 9_000, self.number())
        self.browser.run("localStorage.setItem(Object.keys(localStorage).find((k) => k.startsWith('mifeng-count ')), '9500')")
        self.check(suite + ": who leaves what was not sent is asked", self.asked())
        # As if the page had been closed: what it sealed is lost, its number is not given again.
        self.go(tender.url + "/bid?lang=zh")
        self.check(suite + ": nothing is asked of who has done nothing", not self.asked())
        self.look()
        self.fill(tender)
        start = time.monotonic()
        said = self.seal()
        took = time.monotonic() - start
        self.check(suite + ": sealed", "已密封" in said, said)
        ms, memory = self.browser.run("[Number(document.getElementById('seal').dataset.ms), Number(document.getElementById('seal').dataset.memory)]")
        print("        %s: %d bytes sealed in %d ms (%.1f s on the page), module's memory %d MiB"
              % (suite, BYTES, ms, took, memory >> 20), flush=True)
        self.check(suite + ": memory does not grow with the files", memory < 96 << 20, memory)
        self.check(suite + ": the passphrase is gone", self.browser.run("document.getElementById('pin').value") == "")
        self.picture(suite + "-2-sealed")
        self.check(suite + ": loaded again, another number", self.number() == 9_501, self.number())
        saved = self.save(tender)
        self.check(suite + ": bid, record, own copy and leaf are saved", {"bid", "rec", "own", "leaf"} <= saved.keys(), saved)
        shown = json.loads(tender.run("bid", "check", "--tender", "tender.tar", "--bid", saved["bid"], "--id", "bidder1", "--own", saved["own"], "--json"))
        self.check(suite + ": the command reads what the page sealed", shown["content"]["opening"]["price"] == PRICES[0][0], shown)
        told = self.browser.run("document.getElementById('facts').textContent")
        self.browser.run("document.getElementById('go').click()")
        self.browser.run("document.getElementById('ondisk').click()")
        self.check(suite + ": nothing is sealed while it is sent", self.browser.run("document.getElementById('what').disabled"))
        self.browser.wait("!document.getElementById('kept').hidden && document.getElementById('proof').textContent", 60)
        proof = self.browser.run("document.getElementById('proof').textContent")
        words = proof.split("指纹：")[-1]
        self.check(suite + ": the page has checked the receipt", "回执相符" in proof and words in told, proof)
        self.check(suite + ": what is in the log may be left", not self.asked())
        self.picture(suite + "-3-receipt")
        self.browser.run("document.querySelector('#kept a').click()")
        receipt = saved["rec"].with_suffix(".receipt")
        self.arrived(receipt)
        with urllib.request.urlopen(tender.url.replace("/t/", "/v1/tenders/") + "/bundle") as answer:
            (tender.work / "now.tar").write_bytes(answer.read())
        said = tender.run("--lang", "zh", "receipt", "verify", "--receipt", receipt, "--record", saved["rec"], "--tender", "now.tar")
        self.check(suite + ": the command shows the same words", words in said, said)
        self.browser.choose("#of", [saved["rec"]])
        self.browser.choose("#receipt", [receipt])
        self.browser.wait("document.getElementById('proved').textContent", 60)
        said = self.browser.run("document.getElementById('proved').textContent")
        self.check(suite + ": so does the page of any receipt", said == proof, said)
        return saved

    def late(self, tender, saved):
        """The page stood open over the deadline: nothing is withdrawn then, neither by the page's clock nor by the host's."""
        self.go(tender.url + "/bid?lang=zh")
        self.earlier(saved["rec"])
        tender.closed()
        said = self.withdraw(tender.work / "bidder1")
        self.check("after the close the page does not sign", "[bid.late]" in said and "应当拒收" in said, said)
        # A browser whose clock is slow: the host's own says no, and so do the records that the page gets.
        self.browser.run("""(() => { const slow = Date.now() - %d; const real = Date.prototype.toISOString;
            Date.prototype.toISOString = function () { return real.call(new Date(slow)); }; })()""" % (SECONDS * 500 + 5000))
        self.confirm(tender.work / "bidder1")
        said = self.withdrawal()
        self.check("nor if its clock is slow", "[bid.late]" in said, said)
        self.lie((tender.work / "now.tar").read_bytes())
        self.confirm(tender.work / "bidder1")
        said = self.withdrawal()
        self.check("with older records it signs, and the host refuses in its words", "[bid.late]" in said and "投标截止后送达" in said
                   and "已截标" in said, said)
        self.go(tender.url + "/bid?lang=zh", "send")
        self.check("after the close nothing is offered to withdraw", self.browser.run("document.getElementById('earlier') === null"))

    def refused(self, tender, other):
        """What must not be sealed, and says why."""
        self.go(tender.url + "/bid?lang=zh")
        self.picture("1-page")
        self.look()
        self.picture("1-looked")
        board = self.browser.run("[...document.querySelectorAll('#relied dd')][1].textContent").split(" · ")[1].encode()
        bundle = (tender.work / "tender.tar").read_bytes()
        at = bundle.find(board)
        self.check("the key that is shown is in the records", at > 0)
        self.fill(tender, pin="wrong")
        said = self.seal()
        self.check("a wrong passphrase", "pki.passphrase" in said and "口令" in said, said)
        self.fill(tender, who="stranger")
        said = self.seal()
        self.check("a certificate of another CA", "bid.incomplete" in said, said)
        self.picture("1-refused")
        self.fill(tender)
        self.browser.run("document.getElementById('words').value = '大约五十万'")
        said = self.seal()
        self.check("no amount in words", "bid.incomplete" in said and "大写" in said, said)
        self.fill(tender)
        self.browser.run("document.getElementById('words').value = '%s'" % PRICES[1][1])
        said = self.seal()
        self.check("who writes two amounts is told before", "以大写为准" in said and said.endswith(PRICES[0][1]) and not self.asked()
                   and self.browser.run("document.getElementById('pin').value !== ''"), said)
        said = self.seal()
        told = self.browser.run("document.getElementById('facts').textContent")
        self.check("and seals so if it is meant", "已密封" in said and PRICES[0][0] + " · " + PRICES[1][1] in told, (said, told))
        self.browser.run("document.getElementById('discard').click()")
        said = tender.run("bid", "seal", "--id", "bidder1", "--tender", "tender.tar", "--lot", 1, "--files", "bidder1-files",
                          "--price", PRICES[0][0], "--out", "no.bid", fails=True)
        self.check("the command names the option that is missing", "报价大写：--price-cn" in said, said)
        self.lie((other.work / "tender.tar").read_bytes())
        self.fill(tender)
        said = self.seal()
        self.check("another tender after the look", "desk.notice-changed" in said, said)
        self.lie(bundle[:at] + (b"1" if bundle[at:at + 1] == b"0" else b"0") + bundle[at + 1:])
        self.look()
        said = self.said()
        self.check("another key of the board", "未通过核验" in said and "[" in said, said)
        self.check("nothing was made", self.browser.run("document.getElementById('made').hidden"))
        self.go(tender.url + "/bid?lang=en")
        reach = self.browser.run("""new Promise((done) => { const worker = new Worker('/assets/desk-worker.js');
            worker.onmessage = (e) => done(e.data.text); worker.onerror = () => done('error');
            worker.postMessage({ module: new ArrayBuffer(0) }); })""")
        self.check("what is no module is told of", "CompileError" in reach or "WebAssembly" in reach, reach)

    def sign_in(self, tender):
        """With the same key, in the page; the session outlives a reload and ends when it is told to."""
        self.go(tender.url + "/bid?lang=zh")
        words = "document.getElementById('signed').textContent"
        folder = tender.work / "bidder1"
        for pin, wanted in (("wrong", "pki.passphrase"), (PIN, "已登录")):
            self.browser.choose("#sign-identity", [folder / n for n in ("chain.cer", "sign.cer", "sign.key")])
            self.browser.run("document.getElementById('sign-pin').value = %s; document.getElementById('sign-go').click()" % json.dumps(pin))
            self.browser.wait("!document.getElementById('sign-go').disabled", 60)
            said = self.browser.run(words)
            self.check("sign-in with the passphrase %s: %s" % (pin.split()[0], wanted), wanted in said, said)
        # A host whose lists of sessions do not answer: said in words, and the same statement is sent again, without the passphrase.
        self.browser.run("document.getElementById('sign-out').click()")
        self.browser.wait("%s === ''" % words, 20)
        self.browser.run("""(() => { const real = window.fetch; let left = 2; window.sent = [];
            window.fetch = (path, more) => { if (!(more && more.method === 'POST' && path.endsWith('/sign-in'))) return real(path, more);
                window.sent.push(more.body); left -= 1;
                return left < 0 ? real(path, more) : Promise.resolve(new Response('{"title":"暂不可用","code":"system.unavailable"}', { status: 503 })); }; })()""")
        self.browser.choose("#sign-identity", [folder / n for n in ("chain.cer", "sign.cer", "sign.key")])
        self.browser.run("document.getElementById('sign-pin').value = %s; document.getElementById('sign-go').click()" % json.dumps(PIN))
        for number in (1, 2):
            self.browser.wait("!document.getElementById('sign-go').disabled && window.sent.length === %d" % number, 60)
            said = self.browser.run(words)
            self.check("a busy host, time %d: in words, and once more" % number, "平台此刻繁忙" in said
                       and not self.browser.run("document.getElementById('sign-again').hidden"), said)
            self.picture("4-busy")
            self.browser.run("document.querySelector('#sign-again button').click()")
        self.browser.wait("!document.getElementById('sign-go').disabled && %s.includes('已登录')" % words, 60)
        self.check("signed in with the first statement", self.browser.run(
            "window.sent.length === 3 && new Set(window.sent).size === 1 && document.getElementById('sign-again').hidden"))
        self.check("no script reads the session", self.browser.run("document.cookie") == "")
        self.picture("4-signed-in")
        self.go(tender.url + "/bid?lang=zh")
        self.browser.wait("%s.includes('已登录')" % words, 20)
        self.browser.run("document.getElementById('sign-out').click()")
        self.browser.wait("%s === ''" % words, 20)
        self.check("signed out", self.browser.run("document.getElementById('signed-in').hidden"))

    def form(self, tender):
        """Both languages, wide and narrow: nothing scrolls sideways, whatever can be reached has a name."""
        for lang in ("zh", "en"):
            self.go(tender.url + "/bid?lang=" + lang)
            self.look()
            for width in (1280, 390):
                self.browser.size(width, 844)
                self.picture("form-%s-%d" % (lang, width))
                self.check("%s, %d wide" % (lang, width), self.browser.run(
                    "document.documentElement.scrollWidth <= %d" % (width + 10)))
            self.browser.send("Emulation.clearDeviceMetricsOverride")
            nameless = self.browser.run("""[...document.querySelectorAll('#seal input, #seal select, #seal textarea, #seal button, #earlier input, #earlier button, #earlier a[download]')]
                .filter((e) => !(e.textContent.trim() || (e.labels || []).length)).map((e) => e.id)""")
            self.check("%s: everything has a name" % lang, nameless == [], nameless)


def main():
    program, page, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    Tender.seconds, Tender.large = SECONDS, BYTES
    tenders = [Tender(work, suite, page) for suite in ("gm", "intl")]
    trial = Desk(program, work)
    try:
        together(lambda tender: tender.set_up(), tenders)
        for tender in tenders:
            tender.publish()
            tender.serve()
        others = threading.Thread(target=together, args=(lambda tender: tender.others(), tenders))
        others.start()
        saved = [trial.whole(tender) for tender in tenders]
        trial.changed(tenders[0])
        trial.refused(*tenders)
        trial.sign_in(tenders[0])
        trial.form(tenders[1])
        others.join()
        left = (tenders[0].deadline - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        print("        %.0f s before the deadline" % left, flush=True)
        trial.late(tenders[1], saved[1])
        for tender in tenders:
            roll = sorted(row["status"] for row in tender.closed()["hall"]["roll"])
            wanted = ["replaced", "sealed", "sealed", "sealed", "withdrawn_before_deadline"] if tender is tenders[0] else ["sealed"] * 3
            trial.check(tender.suite + ": the log shows what was replaced and withdrawn, and nothing else", roll == wanted, roll)
            tender.stop()
        together(lambda pair: pair[0].open(pair[1]), list(zip(tenders, saved)))
        for tender in tenders:
            trial.check(tender.suite + ": what is opened is what was chosen", tender.opened_equals())
        thrown = [e for e in trial.browser.events if e["method"] == "Runtime.exceptionThrown"]
        trial.check("no script failed", not thrown, thrown)
    finally:
        trial.browser.close()
        for tender in tenders:
            tender.stop()
    print("%d passed, %d failed; pictures in %s" % (trial.passed, trial.failed, work))
    sys.exit(1 if trial.failed else 0)


def together(work, all_of):
    """Runs it for all at once; what fails in one fails here."""
    failures = []

    def one(item):
        try:
            work(item)
        except BaseException as e:  # told below
            failures.append(e)

    threads = [threading.Thread(target=one, args=(item,)) for item in all_of]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


if __name__ == "__main__":
    main()
