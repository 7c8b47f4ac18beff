"""Seals bids in the bidder's desk of a real host, and follows them through the opening.

    MIFENG=path/to/mifeng python3 tests/browser/desk.py BROWSER PAGE-FOLDER WORK-FOLDER [BYTES]

PAGE-FOLDER is what crates/shell/mifeng-wasm/build.sh makes. For each suite a tender is set up by commands and served;
bidder 1 seals, saves and sends in the page, bidders 2 and 3 by commands; bidder 4 replaces its bid in the page and withdraws it.
The host ends after the close; the rest runs by commands: bidder 1 releases its leaf with the backup that the page gave, and what is opened must be its files.
"""

import base64
import datetime
import json
import os
import pathlib
import re
import shutil
import sys
import threading
import time
import urllib.request

from cdp import Browser
from tender import PIN, PRICES, Tender

SECONDS = int(os.environ.get("DESK_SECONDS", Tender.seconds))
BYTES = int(sys.argv[4]) if len(sys.argv) > 4 else Tender.large


class Trial:
    """The browser and the count."""

    def __init__(self, program, work):
        self.work = work
        self.passed = self.failed = 0
        self.browser = Browser(program, work / "profile")
        self.browser.send("Network.setExtraHTTPHeaders", {"headers": {"accept-language": "zh-CN,zh;q=0.9"}})

    def check(self, name, holds, more=""):
        if holds:
            self.passed += 1
            print("ok      desk:", name, flush=True)
        else:
            self.failed += 1
            print("FAILED  desk:", name, str(more)[:800], flush=True)

    def picture(self, name):
        self.browser.picture(self.work / (name + ".png"))

    def said(self):
        return self.browser.run("document.getElementById('told').textContent")

    def go(self, url, shows="verify"):
        self.browser.send("Page.navigate", {"url": url})
        self.browser.wait("location.href === %s && document.readyState === 'complete' && !!document.getElementById('%s')"
                          % (json.dumps(url), shows), 60)

    def done(self):
        """The page's worker is at rest."""
        self.browser.wait("document.getElementById('sealing').hidden && !document.getElementById('verify').disabled", 120)

    def look(self):
        self.browser.run("document.getElementById('verify').click()")
        self.done()

    def fill(self, tender, who="bidder1", pin=PIN, price=0):
        folder = tender.work / who
        self.browser.choose("#identity", [folder / n for n in ("chain.cer", "enc.cer", "enc.key", "root.cer", "sign.cer", "sign.key")])
        self.browser.choose("#folder", [tender.work / "bidder1-files"])
        price, words = PRICES[price]
        values = json.dumps({"price": price, "words": words, "pin": pin})
        self.browser.run("for (const [k, v] of Object.entries(%s)) document.getElementById(k).value = v;"
                         "document.getElementById('small').checked = true" % values)

    def seal(self):
        self.browser.run("document.querySelector('#who button').click()")
        self.done()
        return self.said()

    def number(self):
        """What the page remembers of the count."""
        return self.browser.run("Number(Object.entries(localStorage).find(([k]) => k.startsWith('mifeng-count '))[1])")

    def asked(self):
        """Whether the page wants to be asked before it is left."""
        return self.browser.run("!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))")

    def save(self, tender):
        """Clicks every link as a person does; the files, by their ends."""
        folder = tender.work / "saved"
        folder.mkdir(exist_ok=True)
        self.browser.send("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
        names = self.browser.run("[...document.querySelectorAll('#keep a')].map((a) => a.download)")
        for number, name in enumerate(names):
            if not self.browser.run("document.getElementById('go').disabled && document.getElementById('ondisk').disabled"):
                self.check("nothing is sent before all is saved", False, name)
            (folder / name).unlink(missing_ok=True)
            self.browser.run("document.querySelectorAll('#keep a')[%d].click()" % number)
            self.arrived(folder / name)
        shut = self.browser.run("document.getElementById('go').disabled")
        self.browser.run("document.getElementById('ondisk').click()")
        self.check("sent only once the person has seen the files",
                   shut and not self.browser.run("document.getElementById('go').disabled"))
        return {(n.split("-")[0] if n.startswith("count-") else n.rsplit(".", 1)[1]): folder / n for n in names}

    def arrived(self, path):
        until = time.monotonic() + 60
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.05)
        if not path.exists():
            raise TimeoutError(path)

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

    def send(self, tender):
        """Saves what was sealed, sends it, and waits for what its receipt proves."""
        saved = self.save(tender)
        self.sent()
        return saved

    def sent(self):
        self.browser.run("document.getElementById('go').click()")
        self.browser.wait("document.getElementById('proof').textContent", 60)

    def earlier(self, record):
        """Looks at a bid that was sent; what the page says, and what it shows."""
        self.browser.choose("#earlier-record", [record])
        self.browser.run("document.getElementById('earlier-look').click()")
        self.rested()
        return self.browser.run("[document.getElementById('earlier-said').textContent, document.getElementById('earlier-facts').textContent]")

    def kept_receipt(self, tender, saved):
        """A host that was started anew has no receipt at hand: the bidder's own shows the bid, and another's does not."""
        self.browser.run("""(() => { window.honest = window.fetch; window.fetch = (path, more) => String(path).includes('/receipts/')
            ? Promise.resolve(new Response('{}', { status: 404 })) : window.honest(path, more); })()""")
        said, _ = self.earlier(saved["rec"])
        self.check("without a receipt nothing can be withdrawn", "没有这份记录的回执" in said
                   and self.browser.run("document.getElementById('earlier-bid').hidden"), said)
        own = tender.work / "saved" / (saved["rec"].stem + ".receipt")
        others = list((tender.work / "saved").glob("*.receipt"))
        self.browser.run("document.querySelector('#kept a').click()")
        self.arrived(own)
        for path, wanted in ((others[0], "[receipt."), (own, "已在日志中")):
            self.browser.choose("#earlier-receipt", [path])
            said, _ = self.earlier(saved["rec"])
            self.check("the receipt that is chosen: " + wanted, wanted in said, said)
        self.browser.run("window.fetch = window.honest; document.getElementById('earlier-receipt').value = ''")

    def rested(self):
        self.browser.wait("!document.getElementById('earlier-look').disabled", 60)

    def withdraw(self, folder, pin=PIN):
        """Goes through the confirmation; what the page says at the end."""
        self.browser.run("document.getElementById('withdraw-ask').click()")
        self.confirm(folder, pin)
        return self.withdrawal()

    def confirm(self, folder, pin=PIN):
        names = ("chain.cer", "enc.cer", "enc.key", "root.cer", "sign.cer", "sign.key")
        self.browser.choose("#withdraw-identity", [folder / n for n in names])
        self.browser.run("document.getElementById('sure').checked = true; document.getElementById('withdraw-pin').value = %s" % json.dumps(pin))

    def withdrawal(self):
        self.browser.run("document.querySelector('#withdraw button[type=submit]').click()")
        self.rested()
        return self.browser.run("document.getElementById('earlier-said').textContent")

    def pictures(self, name):
        """As it is, wide and narrow."""
        for width in (1280, 390):
            self.browser.size(width, 844)
            self.picture("%s-%d" % (name, width))
            self.check("%s, %d wide" % (name, width), self.browser.run("document.documentElement.scrollWidth <= %d" % (width + 10)))
        self.browser.send("Emulation.clearDeviceMetricsOverride")

    def own(self, tender, who):
        """Signs in, if nobody is; the own bids that the page lists then."""
        if self.browser.run("document.getElementById('signed-in').hidden"):
            folder = tender.work / who
            self.browser.choose("#sign-identity", [folder / n for n in ("chain.cer", "sign.cer", "sign.key")])
            self.browser.run("document.getElementById('sign-pin').value = %s; document.getElementById('sign-go').click()" % json.dumps(PIN))
            self.browser.wait("!document.getElementById('sign-go').disabled && !document.getElementById('signed-in').hidden", 60)
        return self.browser.run("[...document.querySelectorAll('#own li')].map((row) => row.textContent)")

    def changed(self, tender):
        """A bid is sealed and sent in the page, replaced and withdrawn there; nobody else can do that to it."""
        folder = tender.work / "bidder4"
        self.go(tender.url + "/bid?lang=zh")
        self.look()
        self.fill(tender, who="bidder4")
        self.seal()
        self.browser.run("document.getElementById('discard').click()")
        self.check("what was sealed can be discarded", "已放弃" in self.said() and not self.asked()
                   and self.browser.run("document.getElementById('made').hidden"), self.said())
        number = self.number()
        self.browser.run("window.mifengDesk.remember('desk.example/%s', 1)" % tender.name)
        self.check("a number that was given out is never forgotten", self.number() == number, self.number())
        self.other_window(tender)
        self.fill(tender, who="bidder4")
        self.seal()
        first = self.save(tender)
        self.browser.run("""(() => { const send = window.mifengSend; window.mifengSend = () => false;
            document.getElementById('go').click(); window.mifengSend = send; })()""")
        self.check("who sends while something is sent is told", "请稍后再试" in self.said(), self.said())
        self.sent()
        sealed = self.browser.run("document.getElementById('facts').textContent")
        said, shown = self.earlier(first["rec"])
        words = re.search(r"密封指纹(.+?) · ", shown).group(1)
        self.check("the bid that was sent is shown by its record and receipt",
                   "已在日志中" in said and words in sealed and re.search(r"标段1 · 病床.*北京时间）20\d\d-.*承诺（前 16 位）[0-9a-f]{16}…", shown), (said, shown))
        self.kept_receipt(tender, first)
        self.pictures("5-earlier")
        self.browser.run("document.getElementById('replace').click()")
        self.check("what is replaced is shown where it is sealed", words in self.browser.run("document.getElementById('replacing').innerText"))
        self.fill(tender, who="bidder4", price=1)
        self.seal()
        told = self.browser.run("document.getElementById('facts').textContent")
        self.check("the new bid says which one it replaces", "替换此前的投标" + words in told, told)
        self.pictures("5-replacing")
        self.unsent(folder)
        self.watch("said")
        second = self.send(tender)
        self.check("it waited for its beat", any("等待节拍" in one for one in self.browser.run("told")), self.browser.run("told"))
        proof = self.browser.run("document.getElementById('proof').textContent")
        self.check("replaced, by the host's receipt", "回执相符" in proof and proof.endswith("不再计入：" + words), proof)
        self.check("what comes next replaces nothing", self.browser.run("document.getElementById('replacing').hidden"))
        self.check("and the old bid stands there no more", self.browser.run("document.getElementById('earlier-bid').hidden"))

        self.earlier(first["rec"])
        said = self.withdraw(folder)
        self.check("what was replaced is not withdrawn: the host says why", "[bid.unknown]" in said and "日志中没有此密封投标" in said
                   and "登录后见本方投标" in said and not self.asked(), said)
        own = self.own(tender, "bidder4")
        self.check("both bids are listed with their bidder", len(own) == 2 and sum("已替换" in row for row in own) == 1
                   and sum("有效 · " in row and "撤回或替换" in row for row in own) == 1, own)
        said, _ = self.earlier(first["rec"])
        self.check("who is signed in is told that it was replaced", "已被替换" in said
                   and self.browser.run("document.getElementById('earlier-choices').hidden"), said)

        self.others_cannot(tender, second)
        self.earlier(second["rec"])
        self.browser.run("document.getElementById('replace').click(); document.getElementById('withdraw-ask').click()")
        self.check("the tick is asked for", not self.browser.run("document.getElementById('sure').checked")
                   and not self.browser.run("document.getElementById('earlier').checkValidity()"))
        self.confirm(folder)
        self.browser.run("""document.getElementById('sure').checked = false;
            document.getElementById('earlier').dispatchEvent(new Event('submit', { cancelable: true }))""")
        self.refuses("nothing is withdrawn without the tick", "请先勾选确认")
        self.browser.run("window.asks = window.mifengSending; window.mifengSending = () => true")
        self.confirm(folder)
        self.withdrawal()
        self.refuses("nothing is signed while something is sent", "请稍后再试")
        self.browser.run("window.mifengSending = window.asks")
        self.confirm(folder, "wrong")
        self.pictures("6-confirm")
        said = self.withdrawal()
        self.check("withdrawing with a wrong passphrase", "pki.passphrase" in said and "口令" in said, said)
        self.confirm(folder)
        said = self.lost(tender, first)
        self.check("withdrawn, by the host's receipt", "已撤回" in said and "回执相符" in said, said)
        self.check("nothing is left to send again", not self.asked() and self.browser.run("document.getElementById('withdraw-again').hidden"))
        self.check("and nothing takes the place of what is withdrawn", self.browser.run("document.getElementById('replacing').hidden"))
        self.pictures("6-withdrawn")
        saved = {}
        for link in ("withdrawn-record", "withdrawn-kept a"):
            name = self.browser.run("document.querySelector('#%s').download" % link)
            self.browser.run("document.querySelector('#%s').click()" % link)
            self.arrived(tender.work / "saved" / name)
            saved[name.rsplit(".", 1)[1]] = tender.work / "saved" / name
        tender.run("receipt", "verify", "--receipt", saved["receipt"], "--record", saved["rec"], "--tender", "now.tar")
        self.browser.wait("[...document.querySelectorAll('#own li')].filter((row) => row.textContent.includes('已撤回')).length === 1", 20)
        said, _ = self.earlier(second["rec"])
        self.check("and is told as withdrawn", "平台称这份投标已撤回" in said, said)
        self.browser.run("document.getElementById('sign-out').click()")
        self.browser.wait("document.getElementById('signed-in').hidden", 20)

    def refuses(self, name, words):
        """The form below says so, and nothing was signed: the passphrase is where it was typed."""
        said = self.browser.run("document.getElementById('earlier-said').textContent")
        self.check(name, words in said and self.browser.run("document.getElementById('withdraw-pin').value !== ''"), said)

    def watch(self, place):
        self.browser.run("""(() => { window.told = []; const place = document.getElementById(%s); new MutationObserver(() => told.push(place.textContent))
            .observe(place, { childList: true, characterData: true, subtree: true }); })()""" % json.dumps(place))

    def other_window(self, tender):
        """Another window of the browser signs for the same log: its lock is the log's."""
        self.browser.run("""new Promise((held) => navigator.locks.request('mifeng-count desk.example/%s',
            () => new Promise((end) => { window.other = end; held(); })))""" % tender.name)
        self.fill(tender, who="bidder4")
        said = self.seal()
        self.check("nothing is sealed while another window signs", "先提交或放弃" in said
                   and self.browser.run("document.getElementById('pin').value !== ''"), said)
        self.browser.run("window.other()")

    def unsent(self, folder):
        """A bid is sealed and not sent: its number would be void if something else were signed, and it says what it replaces."""
        self.withdraw(folder)
        self.refuses("nothing is withdrawn over a bid that is not sent", "先提交或放弃")
        self.browser.run("document.getElementById('replace').click()")
        self.refuses("nor is another replaced by it", "尚未提交")
        self.browser.run("document.getElementById('keep-old').click()")
        self.check("nor none", "尚未提交" in self.said() and not self.browser.run("document.getElementById('replacing').hidden"), self.said())
        self.browser.run("document.getElementById('withdraw-not').click()")

    def lost(self, tender, other):
        """The withdrawal arrives, its answers do not; then the host gives the receipt of another record; at last it says the truth."""
        receipt = (tender.work / "saved" / (other["rec"].stem + ".receipt")).read_text()
        self.browser.run("""(() => {
            const [open, later] = [XMLHttpRequest.prototype.open, window.setTimeout];
            window.setTimeout = (work, ms) => later(work, Math.min(ms, 200));
            window.sent = 0;
            XMLHttpRequest.prototype.open = function (method, path) {
                if (path.endsWith('/records')) {
                    window.sent += 1;
                    Object.defineProperty(this, 'status', { get: () => (window.forged ? 201 : 0) });
                    Object.defineProperty(this, 'responseText', { get: () => window.forged || '' });
                }
                return open.call(this, method, path);
            };
            window.truth = () => { XMLHttpRequest.prototype.open = open; window.setTimeout = later; };
        })()""")
        said = self.withdrawal()
        number = self.number()
        self.check("when no answer comes it is not known whether it arrived", "再次提交同一份撤回" in said and self.asked()
                   and self.browser.run("window.sent === 8 && !document.getElementById('withdraw-again').hidden"), said)
        self.withdraw(tender.work / "bidder4")
        self.refuses("no other is signed meanwhile", "先提交或放弃")
        again = "document.getElementById('withdraw-again').click()"
        self.browser.run("window.forged = %s; %s" % (json.dumps(receipt), again))
        self.rested()
        said = self.browser.run("document.getElementById('earlier-said').textContent")
        self.check("the receipt of another record proves nothing", "[receipt." in said and "已撤回" not in said and self.asked(), said)
        self.browser.run("window.truth(); " + again)
        self.rested()
        self.check("the same record was sent again", self.number() == number, self.number())
        return self.browser.run("document.getElementById('earlier-said').textContent")

    def others_cannot(self, tender, saved):
        """The bid of another is withdrawn neither in the page nor by command."""
        self.earlier(saved["rec"])
        said = self.withdraw(tender.work / "bidder1")
        self.check("another's bid is not withdrawn in the page", "[desk.not-own]" in said and "另一证书" in said, said)
        # Bidder 1's count goes on from what the page gave out.
        for count in (tender.work / "saved").glob("count-*"):
            shutil.copy(count, tender.work / "bidder1")
        tender.run("bid", "withdraw", "--id", "bidder1", "--tender", "now.tar", "--bid", saved["bid"], "--out", "foreign.rec")
        said = tender.run("--lang", "en", "send", "--host", tender.url, "foreign.rec", fails=True)
        self.check("nor by command: the host refuses it", "bid.unknown" in said, said)
        self.browser.choose("#earlier-record", [tender.work / "foreign.rec"])
        self.browser.run("document.getElementById('earlier-look').click()")
        self.rested()
        said = self.browser.run("document.getElementById('earlier-said').textContent")
        self.check("a record that brings no bid is told of", "file.malformed" in said, said)

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
                   and "submission is closed" in said, said)
        self.go(tender.url + "/bid?lang=zh", "send")
        self.check("after the close nothing is offered to withdraw", self.browser.run("document.getElementById('earlier') === null"))

    def lie(self, bundle):
        """From now on the host gives out this bundle."""
        self.browser.run("""(() => {
            const bytes = Uint8Array.from(atob(%s), (c) => c.charCodeAt(0));
            window.honest = window.honest || window.fetch;
            window.fetch = (path, more) => String(path).endsWith('/bundle')
                ? Promise.resolve(new Response(new Blob([bytes]))) : window.honest(path, more);
        })()""" % json.dumps(base64.b64encode(bundle).decode()))

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
    trial = Trial(program, work)
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
