"""A browser driven over a pair of pipes (Chrome DevTools Protocol): the standard library is enough."""

import base64
import json
import os
import select
import subprocess
import time


class Browser:
    """One headless Chromium with one page."""

    def __init__(self, program, profile):
        to_read, self.to = os.pipe()
        self.come, from_write = os.pipe()
        # The browser reads commands from descriptor 3 and writes to 4.
        shell = 'exec 3<&%d 4>&%d; exec "$@"' % (to_read, from_write)
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "browser", program, "--headless=new", "--no-sandbox",
             "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--disable-dev-shm-usage",
             "--user-data-dir=" + str(profile), "about:blank"],
            pass_fds=(to_read, from_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.buffer, self.number, self.events = b"", 0, []
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = None
        self.session = self.send(
            "Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Network", "DOM", "Accessibility"):
            self.send(domain + ".enable")

    def _next(self, until):
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            ready, _, _ = select.select([self.come], [], [], max(left, 0))
            if not ready:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self.come, 1 << 20)
            if not piece:
                raise EOFError("the browser ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, params=None, timeout=120):
        """Calls a method and returns its result; events that arrive meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params or {}}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + timeout
        while True:
            answer = self._next(until)
            if answer.get("id") != self.number:
                if "method" in answer:
                    self.events.append(answer)
                continue
            if "error" in answer:
                raise RuntimeError("%s: %s" % (method, answer["error"]))
            return answer["result"]

    def run(self, script, timeout=120):
        """The value of an expression in the page; promises are awaited."""
        found = self.send("Runtime.evaluate", {
            "expression": script, "awaitPromise": True, "returnByValue": True}, timeout)
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    def wait(self, condition, timeout=600):
        """Waits inside the page until an expression is true."""
        self.run("""new Promise((done, dead) => {
            const end = performance.now() + %d;
            const look = () => (%s) ? done(true)
                : performance.now() > end ? dead(new Error("waited in vain")) : setTimeout(look, 50);
            look();
        })""" % (timeout * 1000, condition), timeout + 30)

    def go(self, url):
        """Opens a page and waits for its script."""
        self.send("Page.navigate", {"url": url})
        self.wait("document.readyState === 'complete' && typeof state === 'object'")

    def choose(self, selector, paths):
        """Puts files into an input, as the file dialog does."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        self.send("DOM.setFileInputFiles", {"nodeId": node, "files": [str(p) for p in paths]})

    def drop(self, selector, paths):
        """Drags files from outside onto an element."""
        at = self.run("""(() => { const b = document.querySelector(%s).getBoundingClientRect();
            return [b.x + b.width / 2, b.y + b.height / 2]; })()""" % json.dumps(selector))
        data = {"items": [], "files": [str(p) for p in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent",
                      {"type": kind, "x": at[0], "y": at[1], "data": data})

    def press(self, key, code, number):
        """One key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", {
                "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number})
        if key == "Enter":
            self.send("Input.dispatchKeyEvent", {"type": "char", "text": "\r"})

    def size(self, width, height):
        """The window."""
        self.send("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def picture(self, path):
        """A picture of the whole page."""
        data = self.send("Page.captureScreenshot", {"captureBeyondViewport": True})["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        """Ends the browser that this object started."""
        try:
            self.session = None
            self.send("Browser.close", timeout=20)
            self.process.wait(20)
        except (OSError, EOFError, TimeoutError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
