"""A headless Chromium, driven through the pipe of its DevTools protocol."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shlex
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --force-device-scale-factor=1"
)
_PATIENCE_S = 60
_OPERABLE = "a[href], button, input, select, summary, [tabindex='0']"
_VIRTUAL_KEYS = {"Tab": 9, "Enter": 13, "ArrowUp": 38, "ArrowDown": 40}  # keys that act only by their number


_LEFT = (
    "Inspected target navigated or closed",
    "Execution context was destroyed.",
    "Cannot find context with specified id",
)


class PageLeftError(Exception):
    """The page went elsewhere before it could answer."""


class Browser:
    """One tab. Use as a context manager.

    Attributes:
        requests: Addresses that pages asked for, other than the page itself and data in it.
        complaints: Errors and warnings of the console, and exceptions.
    """

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        their_in, self._out = os.pipe()
        self._in, their_out = os.pipe()
        # The browser reads its orders from descriptor 3 and answers on 4.
        command = (
            f"exec {shlex.quote(CHROMIUM)} {_OPTIONS} --remote-debugging-pipe --user-data-dir={profile} about:blank"
        )
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec 3<&{their_in} 4>&{their_out}; {command}"],
            pass_fds=(their_in, their_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in)
        os.close(their_out)
        self._ids = itertools.count(1)
        self._buffer = b""
        self._session: str | None = None
        self._page = ""
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        targets = self.call("Target.getTargets")["targetInfos"]
        tab = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends one order and waits for its answer; what happens meanwhile is noted."""
        order: dict[str, Any] = {"id": next(self._ids), "method": method, "params": parameters}
        if self._session is not None:
            order["sessionId"] = self._session
        os.write(self._out, json.dumps(order).encode() + b"\0")
        while True:
            message = self._receive()
            if message.get("id") == order["id"]:
                if message.get("error", {}).get("message") in _LEFT:
                    raise PageLeftError(method)
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message)

    def open(self, page: Path, width: int, height: int = 900) -> None:
        """Opens a file in a window of the given size."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.visit(page.resolve().as_uri())

    def visit(self, address: str) -> None:
        """Goes to an address and waits until the page says that it is ready, if it is one that draws."""
        self._page = address
        self.call("Page.navigate", url=address)
        self.wait(
            f"location.href.startsWith({json.dumps(address)}) && document.readyState === 'complete' "
            "&& (!document.getElementById('data') || document.documentElement.dataset.ready)"
        )

    def wait(self, condition: str) -> None:
        """Waits until a JavaScript expression is true."""
        until = time.monotonic() + _PATIENCE_S
        while not self._holds(condition):
            assert time.monotonic() < until, f"never true: {condition}; {self.complaints}"
            time.sleep(0.05)

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.value(f"Boolean({condition})"))
        except PageLeftError:  # the next page is asked again
            return False

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression, once it is settled."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def frame(self) -> None:
        """Waits until what was asked for is drawn."""
        with suppress(PageLeftError):  # what was asked for was another page
            self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def press(self, key: str, code: str = "", modifiers: int = 0) -> None:
        """Presses a key, and waits until what it does is drawn; 8 is the modifier Shift."""
        typed = {"Enter": "\r"}.get(key, key)
        text = {"text": typed} if len(typed) == 1 else {}
        more = {"code": code or key, "modifiers": modifiers, "windowsVirtualKeyCode": _VIRTUAL_KEYS.get(key, 0)}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **more)
        self.frame()

    def type(self, text: str) -> None:
        """Types where the focus is."""
        self.call("Input.insertText", text=text)
        self.frame()

    def tab_through(self) -> list[str]:
        """Presses Tab until everything that can be operated had the focus, in the order of the page, and was outlined.

        Returns:
            What is said of each stop.
        """
        self.value(
            f"""window.stops = [...document.querySelectorAll(`{_OPERABLE}`)]
                .filter(one => one.checkVisibility() && !one.disabled)"""
        )
        said = []
        for at in range(self.value("stops.length")):
            self.press("Tab")
            one, reached, outlined = self.value(
                """(({ariaLabel, textContent, id}, {outlineStyle, outlineWidth}) => [
                    ariaLabel || textContent.trim() || id, stops.indexOf(document.activeElement),
                    outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
                ])(document.activeElement, getComputedStyle(document.activeElement))"""
            )
            assert (reached, outlined) == (at, True), one[:100]
            said.append(one)
        return said

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        more = self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return max(0, int(more))  # less than the window where room is kept for a scroll bar

    def look(self, scheme: str) -> None:
        """Prefers "light" or "dark" from now on."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Moves ("mouseMoved"), presses, releases or turns the wheel of the mouse."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def screenshot(self, path: Path, whole: bool = False) -> Path:
        """A PNG of what is seen, or of the whole page."""
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))
        return path

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], 3 * _PATIENCE_S)
            assert ready, f"the browser says nothing; {self.complaints}"
            piece = os.read(self._in, 1 << 20)
            assert piece, "the browser is gone"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, message: dict[str, Any]) -> None:
        what, about = message.get("method"), message.get("params", {})
        if what == "Page.javascriptDialogOpening":  # a page that asks whether to leave it is left
            order = {"id": next(self._ids), "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
            os.write(self._out, json.dumps(order | {"sessionId": self._session}).encode() + b"\0")
        if what == "Network.requestWillBeSent":
            url = about["request"]["url"]
            if not url.startswith(("data:", "blob:")) and url.partition("#")[0] != self._page:
                self.requests.append(url)
        elif what == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"])[:2000])
        elif what == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(json.dumps(about["entry"])[:2000])
        elif what == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(about["args"])[:2000])
