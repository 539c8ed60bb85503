"""One Chromium for all tests of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import CHROMIUM, Browser


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """A tab that has asked for nothing and complained of nothing yet, by day."""
    chromium.call("Emulation.setEmulatedMedia", features=[])
    chromium.visit("about:blank")
    chromium.requests.clear()
    chromium.complaints.clear()
    return chromium
