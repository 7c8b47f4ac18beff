"""A bid that was sent: replaced and withdrawn in the page, by nobody else, and what is lost when answers are."""

import json
import re
import shutil

from trial import Trial


class Changed(Trial):
    """A bid after it was sent."""

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
