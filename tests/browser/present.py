"""Those present at an opening, in the hall of a real host: they sign its record, ask and answer (offer.py brings them here)."""

import json

from tender import PIN

SAID = "document.getElementById('present-said').textContent"
AT_REST = "!document.getElementById('present-go').disabled"


def versions(trial):
    """A page whose program beside it is of another version says so, before anything is read."""
    for call, request in (("present", {"unknown": 1}), ("unheard-of", {})):
        said = trial.browser.run("""(async () => {
            const module = await (await fetch('/assets/desk.wasm')).arrayBuffer();
            const worker = new Worker('/assets/desk-worker.js');
            const answer = new Promise((done) => { worker.onmessage = (event) => done(event.data); });
            worker.postMessage({ module, call: %s, request: %s, pin: null, files: [] });
            const told = await answer;
            worker.terminate();
            return told.type + ' ' + told.text;
        })()""" % (json.dumps(call), json.dumps(request)))
        trial.check("hall: a module of another version is told as that (%s)" % call,
                    said.startswith("bug ") and "[desk.other-version]" in said, said)


def choose(trial, what):
    trial.browser.run("document.querySelector('#present input[value=%s]').click()" % what)


def fill(trial, tender, who, values=None, pin=PIN):
    folder = tender.work / who
    names = ("chain.cer", "root.cer", "sign.cer", "sign.key")
    trial.browser.choose("#present-identity", [folder / n for n in names if (folder / n).exists()])
    values = {"present-pin": pin, **(values or {})}
    trial.browser.run("for (const [k, v] of Object.entries(%s)) document.getElementById(k).value = v" % json.dumps(values))


def sign(trial):
    trial.browser.run("document.getElementById('present-go').click()")
    trial.browser.wait(AT_REST, 120)
    return trial.browser.run(SAID)


def shown(trial, selector, text):
    """The hall shows it by itself: the page is not loaded again."""
    trial.browser.wait("[...document.querySelectorAll(%s)].some((e) => e.textContent.includes(%s))"
                       % (json.dumps(selector), json.dumps(text)), 30)
    return trial.browser.run("window.sameDocument === true")


def minutes(trial, tender):
    """The opening record is looked at in the log's own words, and signed; first prices are not read out where final offers follow."""
    fill(trial, tender, "bidder1")
    said = sign(trial)
    trial.check("hall: nothing is signed that was not looked at", "请先核对" in said, said)
    trial.check("hall: and the passphrase stays in its field",
                trial.browser.run("document.getElementById('present-pin').value") == PIN)
    trial.browser.run("document.getElementById('minutes-look').click()")
    trial.browser.wait(AT_REST, 120)
    rows = trial.browser.run("[...document.querySelectorAll('#minutes-rows tr')].map((e) => e.textContent)")
    trial.check("hall: the record's rows are those of the log", len(rows) == 1 and "bidder1 Ltd." in rows[0]
                and "已开标" in rows[0] and "468" not in rows[0], rows)
    trial.browser.run("document.getElementById('minutes-sure').click()")
    fill(trial, tender, "bidder1", pin="another")
    said = sign(trial)
    trial.check("hall: a wrong passphrase signs nothing", "[pki.passphrase]" in said, said)
    fill(trial, tender, "bidder4")
    said = sign(trial)
    trial.check("hall: nor does who did not bid", "[desk.no-part]" in said, said)
    # Another authority's certificate with the bidder's own code.
    fill(trial, tender, "stranger")
    said = sign(trial)
    trial.check("hall: nor is a stranger's signature taken", "[cert.unlisted-ca]" in said, said)
    trial.pictures("8-minutes")
    fill(trial, tender, "bidder1")
    said = sign(trial)
    trial.check("hall: signed, and in the log by the receipt", "已入日志，签名人：bidder1 Ltd." in said, said)
    trial.check("hall: the passphrase is gone", trial.browser.run("document.getElementById('present-pin').value") == "")
    receipt = json.loads(trial.browser.run("window.kept[window.kept.length - 1]"))
    trial.check("hall: the receipt is given", "receipt" in receipt, receipt)
    trial.check("hall: who signed is shown", shown(trial, ".acts li", "bidder1 Ltd. 投标人"))


def question(trial, tender):
    """A bidder asks; nothing goes on before it is answered."""
    choose(trial, "ask")
    fill(trial, tender, "bidder1", {"ask-text": "  "})
    said = sign(trial)
    trial.check("hall: an empty question is none", "请写明内容" in said, said)
    fill(trial, tender, "bidder1", {"ask-text": "唱标的价格与我方文件<b>不</b>一致？"})
    said = sign(trial)
    trial.check("hall: asked", "已入日志" in said, said)
    trial.check("hall: the question is shown as it was written", shown(trial, ".asked li[data-open]", "文件<b>不</b>一致？"))
    trial.pictures("8-asked")
    tender.fetch()
    tender.run("panel", "check", "--id", "agency", "--kind", "qualification", "--lot", 1, "--tender", "now.tar", "--out", "early.rec")
    early = tender.run("send", "--host", tender.url, "early.rec", fails=True)
    trial.check("hall: no evaluation before the answer", "opening.unanswered" in early, early)
    choose(trial, "answer")
    # The list of what waits is the hall's.
    trial.browser.wait("document.querySelectorAll('#answer-to option').length === 1", 10)
    fill(trial, tender, "bidder1", {"answer-text": "一致。"})
    said = sign(trial)
    trial.check("hall: a bidder answers nobody", "[record.not-authorised]" in said, said)
    fill(trial, tender, "agency", {"answer-text": "已当场核对，一致。"})
    said = sign(trial)
    trial.check("hall: answered", "已入日志，签名人：agency" in said, said)
    trial.check("hall: the answer is shown", shown(trial, ".asked .answer", "已当场核对，一致。")
                and trial.browser.run("document.querySelector('.asked li[data-open]') === null"))
    trial.check("hall: nothing waits any more", trial.browser.run("document.querySelectorAll('#answer-to option').length") == 0)
    trial.pictures("8-answered")


def hall(trial, tender):
    """Between the opening record and the evaluation."""
    trial.go(tender.url + "/hall?lang=zh", "present")
    trial.browser.run("""window.sameDocument = true; window.kept = []; URL.createObjectURL = ((make) => (blob) => {
        blob.text().then((text) => window.kept.push(text)); return make.call(URL, blob); })(URL.createObjectURL)""")
    trial.browser.wait("!document.getElementById('present').hidden", 20)
    versions(trial)
    minutes(trial, tender)
    question(trial, tender)
    # The buyer signs by command, as with a token.
    tender.step("buyer-sign.rec", "tender", "sign", "--id", "buyer")
    trial.check("hall: the buyer's signature is shown too", shown(trial, ".acts li", "buyer 采购人"))
