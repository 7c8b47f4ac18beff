"""What a person does in the bidder's desk, and the count of what holds: used by desk.py, changed.py and offer.py."""

import base64
import json
import time

from cdp import Browser
from tender import PIN, PRICES


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

    def watch(self, place):
        self.browser.run("""(() => { window.told = []; const place = document.getElementById(%s); new MutationObserver(() => told.push(place.textContent))
            .observe(place, { childList: true, characterData: true, subtree: true }); })()""" % json.dumps(place))

    def lie(self, bundle):
        """From now on the host gives out this bundle."""
        self.browser.run("""(() => {
            const bytes = Uint8Array.from(atob(%s), (c) => c.charCodeAt(0));
            window.honest = window.honest || window.fetch;
            window.fetch = (path, more) => String(path).endsWith('/bundle')
                ? Promise.resolve(new Response(new Blob([bytes]))) : window.honest(path, more);
        })()""" % json.dumps(base64.b64encode(bundle).decode()))
