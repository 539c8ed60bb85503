"""One Chromium for all tests of raters' pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import CHROMIUM, Browser
from collecting import Rater


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def rater(chromium: Browser) -> Rater:
    """A new rater in a window of 1000 x 800 pixels."""
    chromium.call("Emulation.setDeviceMetricsOverride", width=1000, height=800, deviceScaleFactor=1, mobile=False)
    chromium.call("Emulation.setEmulatedMedia", features=[])
    chromium.visit("about:blank")
    chromium.requests.clear()
    chromium.complaints.clear()
    return Rater(chromium)
