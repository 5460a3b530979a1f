"""A headless Chromium, driven over its debugging pipe: no driver, no port, no network."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# The browser reads commands from descriptor 3 and writes answers to 4.
_START = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page in one browser; use it as a context."""

    def __init__(self):
        assert CHROMIUM is not None
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        flags = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--remote-debugging-pipe", "--hide-scrollbars", "--no-first-run",
            "--disable-features=IsolateSandboxedFrames,IsolateSandboxedIframes",  # see `frame`
            f"--user-data-dir={self._profile.name}", "about:blank",
        ]  # fmt: skip
        pipes = (to_browser, from_browser)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *map(str, pipes), CHROMIUM, *flags], pass_fds=pipes,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._number, self._rest, self._session, self.events = 0, b"", None, []
        try:
            self._attach()
        except RuntimeError:
            self.__exit__()
            raise

    def _attach(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._out)  # the browser ends when its pipe does
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        self._profile.cleanup()

    def call(self, method, **parameters):
        """Send a command of the DevTools protocol and return its result; events are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def _receive(self):
        while b"\0" not in self._rest:
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise RuntimeError("the browser has ended")
            self._rest += chunk
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, url, width, height=900):
        """Show a page in a window so wide; returns when it has loaded."""
        self._resize(width, height)
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def _resize(self, width, height):
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    def run(self, script):
        """The value of an expression in the page; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def frame(self, script):
        """The value of an expression in the page's first inner frame; None: there is none yet."""
        inner = self.call("Page.getFrameTree")["frameTree"].get("childFrames", [])
        if not inner:
            return None
        world = self.call("Page.createIsolatedWorld", frameId=inner[0]["frame"]["id"])
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True,
            contextId=world["executionContextId"],
        )  # fmt: skip
        return answer["result"].get("value")

    def requested(self):
        """The addresses that the page has asked for since it was opened."""
        sent = [one for one in self.events if one.get("method") == "Network.requestWillBeSent"]
        return [one["params"]["request"]["url"] for one in sent]

    def picture(self, path: Path, *, whole=True):
        """Write a PNG of the page, the whole of it or what the window shows."""
        if whole:  # scrolling parts outside the window would stay blank: make it as high
            self._resize(*self.run("[innerWidth, document.documentElement.scrollHeight]"))
            self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 300)))")
        shot = self.call("Page.captureScreenshot")
        path.write_bytes(base64.b64decode(shot["data"]))
        return path
