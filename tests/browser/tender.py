"""A tender on a real host, set up and ended by commands: what the tests of the pages stand on."""

import datetime
import json
import os
import random
import re
import subprocess
import time
import urllib.request

CODES = ["91350200776049653A", "91350500798359476R", "91440101MA5CJQ4N59", "91110000100000008J"]
PRICES = [("468000.00", "肆拾陆万捌仟元整"), ("455000.00", "肆拾伍万伍仟元整"), ("482000.00", "肆拾捌万贰仟元整")]
PIN = "a passphrase of the desk's test"


class Tender:
    """One tender on its own host, set up and ended by commands."""

    # Until the deadline; and bytes of the largest file of bidder 1, enough for several slices.
    seconds, large = 45, 3_000_000

    def __init__(self, work, suite, page):
        self.work, self.suite, self.page = work / suite, suite, page
        self.work.mkdir(parents=True)
        (self.work / "pin").write_text(PIN)
        self.name = "DESK-" + suite.upper()

    def run(self, *args, fails=False):
        done = subprocess.run([os.environ["MIFENG"], "--pin-file", "pin", *map(str, args)], cwd=self.work,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if (done.returncode != 0) != fails:
            raise RuntimeError("%s: %s" % (args, done.stdout.decode()[-1500:]))
        return done.stdout.decode()

    def certify(self):
        self.run("ca", "init", "--ca", "ca", "--suite", self.suite, "--name", "Desk CA")
        self.run("ca", "init", "--ca", "other", "--suite", self.suite, "--name", "Another CA")
        people = [("buyer", "buyer"), ("agency", "agency"), ("host", "host"), ("tsa", "tsa")]
        people += [("trustee", "trustee%d" % n) for n in (1, 2)]
        for kind, name in people:
            self.run("ca", "issue", "--ca", "ca", "--kind", kind, "--name", name, "--out", name)
        for number, code in enumerate(CODES, 1):
            self.bidder("ca", "bidder%d" % number, code)
        self.bidder("other", "stranger", CODES[0])

    def bidder(self, ca, name, code):
        self.run("ca", "issue", "--ca", ca, "--kind", "bidder", "--name", name + " Ltd.", "--out", name, "--uscc", code)

    def set_up(self):
        self.certify()
        for n in (1, 2):
            self.run("board", "join", "--id", "trustee%d" % n, "--session", "desk", "--index", n, "--quorum", 2, "--of", 2,
                     "--out", "%d.a" % n)
        for n in (1, 2):
            self.run("board", "round1", "--id", "trustee%d" % n, "1.a", "2.a", "--out", "%d.b" % n)
        for n in (1, 2):
            self.run("board", "round2", "--id", "trustee%d" % n, "1.a", "2.a", "1.b", "2.b", "--out", "%d.c" % n)
        self.host = ["--host", "house/" + self.name, "--id", "host"]
        self.run("tender", "init", *self.host, "--suite", self.suite, "--origin", "desk.example/" + self.name,
                 "--trust", "ca/root.cer")
        for name in ("root", "ca"):
            self.run("tender", "crl", *self.host, "ca/%s.crl" % name)
        self.run("tender", "accept", *self.host, "1.a", "2.a", "1.b", "2.b", "1.c", "2.c")
        self.run("tender", "export", *self.host, "--out", "tender.tar")
        self.files()

    def files(self):
        """Random files of bidder 1, large enough for several slices."""
        folder = self.work / "bidder1-files"
        (folder / "技术").mkdir(parents=True)
        dice = random.Random(self.suite)
        (folder / "技术" / "方案.bin").write_bytes(dice.randbytes(self.large))
        (folder / "报价.txt").write_text("报价 468000 元\n")
        for n in (2, 3):
            other = self.work / ("bidder%d-files" % n)
            other.mkdir()
            (other / "offer.txt").write_text("offer of bidder %d\n" % n)

    def publish(self):
        deadline = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.seconds)
        self.deadline = deadline
        item = lambda one, most, kind: {"id": one, "name": {"zh": one, "en": one}, "max": most, "kind": kind}
        plan = {
            "tender": self.name, "title": {"zh": "病床采购", "en": "Hospital beds"}, "procedure": "open", "rehearsal": True,
            "buyer": "../buyer/sign.cer", "deadline": deadline.strftime("%Y-%m-%dT%H:%M:%SZ"), "beat_ms": 500,
            "beat_depth": 4, "window_ms": 60000, "policy": "joint", "bidders_min": 3,
            "committee": {"specialty": "A0320", "experts": 5, "alternates": 2},
            "lots": [{"id": "1", "title": {"zh": "病床", "en": "beds"}, "rules": {
                "method": "composite", "object": "goods", "price_weight": "40", "ceiling": "500000.00", "sme_rate": "0.15",
                "items": [item("spec", "40", "subjective"), item("record", "20", "objective")]}}]}
        (self.work / "agency" / "plan.json").write_text(json.dumps(plan))
        self.run("tender", "publish", "--id", "agency", "--tender", "tender.tar", "--plan", "agency/plan.json",
                 "--out", "notice.rec")
        self.run("tender", "accept", *self.host, "notice.rec")
        self.run("tender", "export", *self.host, "--out", "tender.tar")

    def serve(self):
        self.log = open(self.work / "serve.log", "w+")
        self.server = subprocess.Popen(
            [os.environ["MIFENG"], "--pin-file", "pin", "--lang", "en", "serve", "--dir", "house", "--id", "host",
             "--listen", "127.0.0.1:0", "--verify-page", str(self.page / "mifeng-verify.html")],
            cwd=self.work, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(300):
            found = re.search(r"listening on (http://\S+)/", (self.work / "serve.log").read_text())
            if found:
                self.url = "%s/t/%s" % (found.group(1), self.name)
                return
            if self.server.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError((self.work / "serve.log").read_text()[-1500:])

    def others(self):
        """Bidders 2 and 3, by commands."""
        for n in (2, 3):
            price, words = PRICES[n - 1]
            me, bid = ["--id", "bidder%d" % n], ["--bid", "%d.bid" % n]
            self.run("bid", "seal", *me, "--tender", "tender.tar", "--lot", 1, "--files", "bidder%d-files" % n,
                     "--price", price, "--price-cn", words, "--out", "%d.bid" % n)
            self.run("bid", "submit", *me, "--tender", "tender.tar", *bid, "--out", "%d.rec" % n)
            self.run("send", "--host", self.url, "%d.rec" % n, *bid, "--receipt", "%d.receipt" % n)

    def closed(self):
        """Waits until the host has closed; what everybody sees then."""
        until = self.deadline.timestamp() + 30
        while time.time() < until:
            with urllib.request.urlopen(self.url.replace("/t/", "/v1/tenders/")) as answer:
                view = json.load(answer)
            if view["hall"]:
                return view
            time.sleep(0.2)
        raise TimeoutError("not closed")

    def stop(self):
        if getattr(self, "server", None) and self.server.poll() is None:
            self.server.terminate()
            self.server.wait(30)

    def open(self, saved):
        """From the close to the opened files; bidder 1 has what the page gave it, and its key."""
        bid, leaf = saved["bid"], saved["leaf"]
        self.run("tender", "export", *self.host, "--out", "tender.tar")
        for n in (1, 2):
            self.run("board", "cosign", "--id", "trustee%d" % n, "--tender", "tender.tar", "--out", "%d.note" % n)
        self.run("tender", "cosigned", *self.host, "1.note", "2.note")
        self.run("tender", "export", *self.host, "--out", "tender.tar")
        self.run("tsa", "stamp", "--id", "tsa", "--tender", "tender.tar", "--out", "close.tsr")
        self.run("tender", "stamp", *self.host, "close.tsr")
        release = ["bid", "release", "--tender", "tender.tar"]
        self.run(*release, "--id", "bidder1", "--bid", bid, "--backup", leaf, "--out", "leaf1.rec")
        for n in (2, 3):
            self.run(*release, "--id", "bidder%d" % n, "--bid", "%d.bid" % n, "--out", "leaf%d.rec" % n)
        self.run("tender", "accept", *self.host, "leaf1.rec", "leaf2.rec", "leaf3.rec")
        self.run("tender", "close-window", *self.host)
        self.run("tender", "export", *self.host, "--out", "tender.tar")
        for n in (1, 2):
            self.run("board", "release", "--id", "trustee%d" % n, "--tender", "tender.tar", "--out", "shares%d.rec" % n)
        self.run("tender", "accept", *self.host, "shares1.rec", "shares2.rec")
        self.run("tender", "open", *self.host, "--out", "opened")

    def opened_equals(self):
        """Whether the opened files are the originals, all and alone."""
        read = lambda folder: {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        found = [p.parent for p in (self.work / "opened").rglob("报价.txt")]
        return len(found) == 1 and read(self.work / "bidder1-files").items() <= read(found[0]).items()
