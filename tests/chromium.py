"""A headless Chromium, driven by its DevTools protocol over a pair of pipes (`--remote-debugging-pipe`): JSON messages, each ended by a zero byte.

The standard library is enough for that. Which browser: the program that THALIA_CHROMIUM names, else the first of NAMES on the PATH.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome-headless-shell", "headless_shell")
# Nothing but the page: no requests of the browser's own. The sandbox is left out as it cannot be had in containers; the pages are ours.
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run --no-default-browser-check "
    "--disable-background-networking --disable-component-update --disable-sync --disable-extensions"
).split()
# The browser reads from descriptor 3 and writes to 4: pipes are copied out of the way first, as they may have these numbers.
START = """
import fcntl, os, sys
copies = [fcntl.fcntl(int(fd), fcntl.F_DUPFD_CLOEXEC, 10) for fd in sys.argv[1:3]]
for copy, fd in zip(copies, (3, 4)):
    os.dup2(copy, fd)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find():
    """Path of a browser, or None."""
    named = os.environ.get("THALIA_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One page of a browser that lives as long as the `with` block; `seen` holds what the browser told, message by message."""

    def __init__(self, program, folder, seconds=60.0):
        self.deadline = time.monotonic() + seconds
        self.number, self.session, self.buffer, self.seen = 0, None, b"", []
        theirs_in, self.into = os.pipe()
        self.out_of, theirs_out = os.pipe()
        words = [program, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
        start = [sys.executable, "-c", START, str(theirs_in), str(theirs_out), *words]
        with open(folder / "chromium.log", "wb") as log:
            self.process = subprocess.Popen(start, pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for fd in (theirs_in, theirs_out):
            os.close(fd)

    def __enter__(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        return self

    def __exit__(self, *_):
        self.session = None
        with contextlib.suppress(OSError, TimeoutError, EOFError):
            self.call("Browser.close")
        for fd in (self.into, self.out_of):
            os.close(fd)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def call(self, method, **parameters):
        """The result of a command of the protocol."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters, **({"sessionId": self.session} if self.session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.into, data) :]
        answer = self.wait(lambda m: m.get("id") == self.number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def wait(self, wanted):
        """The next message that is wanted; all are kept."""
        while True:
            message = self.read()
            self.seen.append(message)
            if wanted(message):
                return message

    def read(self):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.out_of], [], [], max(self.deadline - time.monotonic(), 0.0))
            if not ready:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.out_of, 1 << 20)
            if not part:
                raise EOFError("the browser has ended: see chromium.log in its folder")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def size(self, width, height=800):
        """The size of the window in CSS pixels, that of a phone if it is narrow."""
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)

    def open(self, path):
        """Load a file."""
        before = len(self.seen)
        loader = self.call("Page.navigate", url=path.absolute().as_uri())["loaderId"]

        def is_load(m):
            return m.get("method") == "Page.lifecycleEvent" and (m["params"]["loaderId"], m["params"]["name"]) == (loader, "load")

        if not any(map(is_load, self.seen[before:])):
            self.wait(is_load)

    def value(self, expression):
        """The value of an expression in the page, awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def picture(self, path):
        """A picture of the whole page, to look at."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self):
        """What the console says and what was thrown."""
        methods = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [m["params"] for m in self.seen if m.get("method") in methods]

    def requests(self):
        """Addresses that were asked for, without the data in them."""
        return [m["params"]["request"]["url"][:60] for m in self.seen if m.get("method") == "Network.requestWillBeSent"]
