"""A headless Firefox, driven through Marionette, its own remote protocol."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
_PATIENCE_S = 60
_PREFERENCES = {
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "media.autoplay.default": 0,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:1",
    "toolkit.telemetry.enabled": False,
}


class Firefox:
    """One tab. Use as a context manager.

    Args:
        profile: Folder for its profile.
    """

    def __init__(self, profile: Path) -> None:
        assert FIREFOX is not None
        profile.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        preferences = {**_PREFERENCES, "marionette.port": port}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
        (profile / "user.js").write_text("\n".join(lines))
        self._process = subprocess.Popen(
            [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"HOME": str(profile), "PATH": "/usr/bin:/bin", "MOZ_HEADLESS": "1"},
        )
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
                break
            except OSError:
                assert time.monotonic() < until, "Firefox does not listen"
                time.sleep(0.2)
        self._buffer = b""
        self._id = 0
        self._receive()

    def __enter__(self) -> Self:
        self.call("WebDriver:NewSession", capabilities={})
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def call(self, command: str, **parameters: Any) -> Any:
        """Sends a command and waits for its result."""
        self._id += 1
        message = json.dumps([0, self._id, command, parameters]).encode()
        self._socket.sendall(f"{len(message)}:".encode() + message)
        _, _, error, result = self._receive()
        assert error is None, error
        return result.get("value", result) if isinstance(result, dict) else result

    def visit(self, address: str) -> None:
        """Goes to an address."""
        self.call("WebDriver:Navigate", url=address)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        return self.call("WebDriver:ExecuteScript", script=f"return ({expression})", args=[], sandbox=None)

    def wait(self, condition: str) -> None:
        """Waits until a JavaScript expression is true."""
        until = time.monotonic() + _PATIENCE_S
        while not self.value(f"Boolean({condition})"):
            assert time.monotonic() < until, f"never true: {condition}; {self.value('document.body.innerText')[:500]}"
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        """Clicks an element when it can be clicked."""
        self.wait(f"(e => e && !e.disabled && e.checkVisibility())(document.querySelector(`{selector}`))")
        element = self.call("WebDriver:FindElement", using="css selector", value=selector)
        self.call("WebDriver:ElementClick", id=next(iter(element.values())))

    def screenshot(self, path: Path) -> Path:
        """A PNG of what is seen."""
        path.write_bytes(base64.b64decode(self.call("WebDriver:TakeScreenshot", full=False)))
        return path

    def _receive(self) -> Any:
        while b":" not in self._buffer:
            self._buffer += self._read()
        length, _, self._buffer = self._buffer.partition(b":")
        while len(self._buffer) < int(length):
            self._buffer += self._read()
        message, self._buffer = self._buffer[: int(length)], self._buffer[int(length) :]
        return json.loads(message)

    def _read(self) -> bytes:
        piece = self._socket.recv(1 << 20)
        assert piece, "Firefox is gone"
        return piece
