"""What the bidder's page makes of a host's answers (send.js), in a real browser against a host that says what it is told to.

    python3 tests/browser/send.py BROWSER WORK-FOLDER

Where a body may come after its record, a receipt that does not say that it is there is no success; and where the host
asks for a sign-in, the page waits for it and goes on by itself.
"""

import base64
import http.server
import json
import pathlib
import sys
import threading

from cdp import Browser

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "crates/shell/mifeng-server/assets/send.js"
WORDS = ("reading", "sending", "handing", "waiting", "again", "size", "lost", "sign", "body", "alone", "done")
BEGIN, END, RECEIPT, SIGNED_IN = "POST /uploads", "POST /uploads/R", "GET /receipts/R", "GET /sign-in"


def encoded(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def page(grace):
    words = " ".join('data-%s="%s"' % (word, word) for word in WORDS)
    return """<!doctype html><meta charset="utf-8"><form id="send" data-base="/v1" %s %s><input type="file" id="record">
        <input type="file" id="bid"><button>send</button><progress id="progress"></progress><p id="said"></p>
        <p id="kept" hidden><a href="#">receipt</a></p></form><script src="/send.js"></script>""" % (
            'data-grace="1"' if grace else "", words)


class Host(http.server.BaseHTTPRequestHandler):
    """Says the next of the answers that it was given; the last one again and again."""

    def log_message(self, *_):
        pass

    def say(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path in ("/", "/grace"):
            return self.say(200, "text/html", page(self.path == "/grace").encode())
        if self.path == "/send.js":
            return self.say(200, "text/javascript", SCRIPT.read_bytes())
        asked = "%s %s" % (self.command, self.path.removeprefix("/v1"))
        self.server.asked.append(asked)
        left = self.server.answers.get(asked, [(404, None)])
        status, whole = left.pop(0) if len(left) > 1 else left[0]
        said = {"v": 1, "receipt": encoded({"whole": True} if whole else {}), "sig": ""}
        if status > 299:
            said = {"title": "no", "code": "some.code"}
        elif status == 202 or asked == BEGIN:
            said = {"record": "R", "size": 5, "block": 10, "missing": []}
        return self.say(status, "application/json", json.dumps(said).encode())

    do_GET = do_POST = answer


# What is sent, what the host says, what the page says at the end, whether it counts as sent, how often it was handed in.
CASES = [
    ("a host that never says that it is there", "bid.submit", "/grace",
     {BEGIN: [(201, 0)], END: [(201, False)]}, "body", False, 3),
    ("one that lost it once", "bid.replace", "/grace",
     {BEGIN: [(201, 0)], END: [(201, False), (201, True)]}, "done", True, 2),
    ("the same by the beat", "bid.submit", "/grace",
     {BEGIN: [(201, 0)], END: [(202, 0)], RECEIPT: [(404, 0), (200, False), (200, True)]}, "done", True, 2),
    ("a tender in which both come together", "bid.submit", "/", {BEGIN: [(201, 0)], END: [(201, False)]}, "done", True, 1),
    ("a final offer", "offer.submit", "/grace", {BEGIN: [(201, 0)], END: [(201, False)]}, "done", True, 1),
    ("a sign-in at the beginning and at the end", "bid.submit", "/grace",
     {BEGIN: [(401, 0), (201, 0)], END: [(401, 0), (201, True)], SIGNED_IN: [(401, 0), (200, 0)]}, "done", True, 2),
    ("a sign-in for the receipt", "bid.submit", "/grace",
     {BEGIN: [(201, 0)], END: [(202, 0)], RECEIPT: [(401, 0), (200, True)], SIGNED_IN: [(200, 0)]}, "done", True, 1),
    ("another's bid", "bid.submit", "/grace", {BEGIN: [(403, 0)]}, "no [some.code]", False, 0),
]


def main():
    program, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = Browser(program, work / "send-profile")
    failed = 0
    try:
        for name, kind, path, answers, said, counts, ends in CASES:
            server.asked, server.answers = [], {asked: list(one) for asked, one in answers.items()}
            url = "http://127.0.0.1:%d%s" % (server.server_port, path)
            browser.send("Page.navigate", {"url": url})
            browser.wait("location.href === %s && !!window.mifengSend" % json.dumps(url), 60)
            record = json.dumps({"body": encoded({"type": kind, "title": "投标"})})
            browser.run("""window.ended = null; window.mifengSend(%s, 'my.rec', new Blob(['12345']),
                (receipt) => { window.ended = { counts: !!receipt }; }); true""" % json.dumps(record))
            browser.wait("window.ended !== null", 60)
            found = (browser.run("document.getElementById('said').textContent"), browser.run("window.ended.counts"),
                     server.asked.count(END))
            holds = found == (said, counts, ends)
            failed += 0 if holds else 1
            print("ok      send:" if holds else "FAILED  send:", name, "" if holds else (found, server.asked), flush=True)
    finally:
        browser.close()
        server.shutdown()
    print("send: %d passed, %d failed" % (len(CASES) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
