"""A final offer, sealed and sent in the bidder's desk of a real host, up to its opening.

    MIFENG=path/to/mifeng python3 tests/browser/offer.py BROWSER PAGE-FOLDER WORK-FOLDER

A tender with a single source is bid for, opened and checked by commands and trustees' agents; then the agency calls for a
final offer, which the one bidder gives in the page. In the hall between them the opening record is signed (present.py). Somebody who is not invited cannot, and it is given once.
"""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

import present
from tender import PIN, PRICES, Tender
from trial import Trial

SECONDS = int(os.environ.get("OFFER_SECONDS", "12"))
ROUND_SECONDS = int(os.environ.get("OFFER_ROUND_SECONDS", "40"))
FINAL = ("430000.50", "肆拾叁万元伍角整")


def soon(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Single(Tender):
    """A tender with one bidder, whose bid the board alone opens."""

    agents = ()

    def publish(self):
        plan = {
            "tender": self.name, "title": {"zh": "病床采购", "en": "Hospital beds"}, "procedure": "single-source", "rehearsal": True,
            "buyer": "../buyer/sign.cer", "deadline": soon(SECONDS), "beat_ms": 500, "beat_depth": 4, "window_ms": 60000,
            "policy": "board", "bidders_min": 1, "committee": {"specialty": "A0320", "experts": 0, "alternates": 0},
            "lots": [{"id": "1", "title": {"zh": "病床", "en": "beds"}, "rules": {
                "method": "single-source", "object": "goods", "price_weight": "100", "ceiling": "500000.00", "min_bidders": 1}}]}
        (self.work / "agency" / "plan.json").write_text(json.dumps(plan))
        self.run("tender", "publish", "--id", "agency", "--tender", "tender.tar", "--plan", "agency/plan.json", "--out", "notice.rec")
        self.run("tender", "accept", *self.host, "notice.rec")
        self.run("tender", "export", *self.host, "--out", "tender.tar")

    def view(self):
        with urllib.request.urlopen(self.url.replace("/t/", "/v1/tenders/")) as answer:
            return json.load(answer)

    def until(self, name, holds, seconds=90):
        end = time.time() + seconds
        while time.time() < end:
            view = self.view()
            if holds(view):
                return view
            time.sleep(0.3)
        said = ["trustee %d: %s" % (n, self.said(n)[-1500:]) for n in range(1, len(self.agents) + 1)]
        raise TimeoutError("%s; the host shows %s\n%s" % (name, json.dumps(view["hall"], ensure_ascii=False), "\n".join(said)))

    def said(self, number):
        return (self.work / ("trustee%d.log" % number)).read_text()

    def waits_for_stamp(self, number):
        _, _, shown = self.said(number).rpartition("release the shares for the opening")
        return "by 2 witnesses" in shown and "time stamp - are not" in shown

    def fetch(self):
        (self.work / "now.tar").unlink(missing_ok=True)
        self.run("bundle", "fetch", "--host", self.url, "--out", "now.tar")

    def step(self, record, *args):
        """Somebody signs a record over the log as it is now, and hands it in."""
        self.fetch()
        self.run(*args, "--tender", "now.tar", "--out", record)
        self.run("send", "--host", self.url, record)

    def again(self, work, seconds=90):
        """Until it is taken: the trustees' agents come in between."""
        end = time.time() + seconds
        while True:
            try:
                return work()
            except RuntimeError:
                if time.time() > end:
                    raise
                time.sleep(0.5)

    def stamp(self, name):
        def stamped():
            self.fetch()
            self.run("tsa", "stamp", "--id", "tsa", "--tender", "now.tar", "--out", name)
            self.run("send", "--host", self.url, "--stamp", name)
        # A head is taken with a cosignature first.
        self.again(stamped)

    def open_up(self):
        """From the bid to the opening record."""
        me = ["--id", "bidder1"]
        self.run("bid", "seal", *me, "--tender", "tender.tar", "--lot", 1, "--files", "bidder1-files", "--price", PRICES[0][0],
                 "--price-cn", PRICES[0][1], "--out", "1.bid")
        self.run("bid", "submit", *me, "--tender", "tender.tar", "--bid", "1.bid", "--out", "1.rec")
        self.run("send", "--host", self.url, "1.rec", "--bid", "1.bid", "--receipt", "1.receipt")
        self.agents = [subprocess.Popen(
            [os.environ["MIFENG"], "--pin-file", "pin", "--lang", "en", "trustee", "serve", "--host", self.url, "--id", "trustee%d" % n, "--yes"],
            cwd=self.work, stdin=subprocess.DEVNULL, stdout=open(self.work / ("trustee%d.log" % n), "w"), stderr=subprocess.STDOUT) for n in (1, 2)]
        self.until("closed", lambda view: view["hall"])
        # Both agents have seen each other's cosignature, and no stamp: nothing in the log tells them of the one that comes.
        self.until("agents wait for the stamp", lambda _: all(self.waits_for_stamp(n) for n in (1, 2)))
        self.stamp("close.tsr")
        self.until("opened", lambda view: [row["status"] for row in view["hall"]["roll"]] == ["opened"])
        self.step("minutes.rec", "tender", "minutes", "--id", "agency")

    def call(self):
        """From the opening record to the round of final offers."""
        for kind in ("qualification", "conformity"):
            self.step(kind + ".rec", "panel", "check", "--id", "agency", "--kind", kind, "--lot", 1)
        self.round_end = soon(ROUND_SECONDS)
        self.step("round.rec", "tender", "round", "--id", "agency", "--lot", 1, "--deadline", self.round_end)

    def end(self):
        """The round is closed and opened; its record."""
        self.until("round closed", lambda view: not view.get("rounds"), ROUND_SECONDS + 60)
        self.stamp("round.tsr")

        def minutes():
            self.fetch()
            return self.run("--lang", "zh", "tender", "round-minutes", "--id", "agency", "--tender", "now.tar", "--lot", 1, "--out", "round-minutes.rec")
        return self.again(minutes)

    def stop(self):
        for agent in self.agents:
            if agent.poll() is None:
                agent.terminate()
                agent.wait(30)
        super().stop()


def offered(trial, tender):
    """In the page: who is invited gives one final offer, and nobody else does."""
    trial.go(tender.url + "/bid?lang=zh")
    asks = trial.browser.run("document.querySelector('#seal .warning').textContent")
    trial.check("the desk says that final offers are taken", "受邀的供应商请在" in asks and "标段 1" in asks, asks)
    trial.check("there is nothing to withdraw after the close", trial.browser.run("document.getElementById('earlier') === null"))
    own = trial.own(tender, "bidder1")
    trial.check("whoever is invited is told so", len(own) == 1 and "受邀提交最后报价" in own[0], own)
    trial.look()
    trial.check("the records say until when", "最后报价截止" in trial.browser.run("document.getElementById('relied').textContent"))
    fill(trial, tender, "bidder2")
    said = trial.seal()
    trial.check("who is not invited seals nothing", "[offer.not-invited]" in said, said)
    fill(trial, tender, "bidder1")
    words = trial.browser.run("document.getElementById('words').value")
    trial.check("the words come from the digits", words == FINAL[1], words)
    other_words(trial, tender)
    fill(trial, tender, "bidder1")
    trial.pictures("7-offer")
    said = trial.seal()
    trial.check("the final offer is sealed", "已密封" in said, said)
    saved = trial.send(tender)
    proof = trial.browser.run("document.getElementById('proof').textContent")
    trial.check("and in the log by the host's receipt", "回执相符" in proof, proof)
    trial.browser.wait("document.querySelectorAll('#own li').length === 2", 20)
    own = trial.own(tender, "bidder1")
    trial.check("the list has it", sum("最后报价 · 有效" in row for row in own) == 1 and not any("受邀" in row for row in own), own)
    trial.pictures("7-offered")
    fill(trial, tender, "bidder1")
    said = trial.seal()
    trial.check("it is given once", "[bid.second]" in said, said)
    return saved


def other_words(trial, tender):
    """Words rule: those of a price that was corrected do not stay, and none are sealed that say another amount."""
    trial.browser.run("""(() => { const desk = window.mifengDesk; const call = desk.call;
        window.answered = 0;
        desk.call = async (name, request, ...more) => {
            const told = await call(name, request, ...more);
            // The first price's answer comes after that of the second.
            if (request.price === '440000.00') while (window.answered === 0) await new Promise((on) => setTimeout(on, 20));
            if (name === 'price') setTimeout(() => { window.answered += 1; });
            return told;
        };
        window.honest = () => { desk.call = call; };
        const price = document.getElementById('price');
        for (const one of ['440000.00', '%s']) { price.value = one; price.dispatchEvent(new Event('change')); }
    })()""" % FINAL[0])
    trial.browser.wait("window.answered === 2", 60)
    words = trial.browser.run("document.getElementById('words').value")
    trial.check("the words of a price that was corrected do not come back", words == FINAL[1], words)
    trial.browser.run("window.honest(); document.getElementById('price').dispatchEvent(new Event('input'))")
    trial.check("nor stay while it is typed", trial.browser.run("document.getElementById('words').value === ''"))
    fill(trial, tender, "bidder1")
    # As a program that fills forms does.
    trial.browser.run("document.getElementById('price').value = '340000.50'")
    said = trial.seal()
    trial.check("words of another amount are not sealed", "[desk.words]" in said and "不是同一金额" in said
                and trial.browser.run("document.getElementById('made').hidden"), said)


def fill(trial, tender, who):
    folder = tender.work / who
    trial.browser.choose("#identity", [folder / n for n in ("chain.cer", "enc.cer", "enc.key", "root.cer", "sign.cer", "sign.key")])
    trial.browser.choose("#files", [tender.work / "bidder1-files" / "报价.txt"])
    trial.browser.run("""(() => { document.getElementById('pin').value = %s; const price = document.getElementById('price');
        price.value = %s; for (const one of ['input', 'change']) price.dispatchEvent(new Event(one)); })()""" % (json.dumps(PIN), json.dumps(FINAL[0])))
    trial.browser.wait("document.getElementById('words').value !== ''", 30)


def main():
    program, page, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    tender = Single(work, "gm", page)
    trial = Trial(program, work)
    try:
        tender.set_up()
        tender.publish()
        tender.serve()
        tender.open_up()
        present.hall(trial, tender)
        tender.call()
        offered(trial, tender)
        said = tender.end()
        trial.check("what is opened is the price that was typed", FINAL[0] in said, said)
        thrown = [e for e in trial.browser.events if e["method"] == "Runtime.exceptionThrown"]
        trial.check("no script failed", not thrown, thrown)
    finally:
        trial.browser.close()
        tender.stop()
    print("offer: %d passed, %d failed; pictures in %s" % (trial.passed, trial.failed, work))
    sys.exit(1 if trial.failed else 0)


if __name__ == "__main__":
    main()
