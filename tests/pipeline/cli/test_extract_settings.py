"""Options of `avcues extract`, as settings."""

from __future__ import annotations

import pytest

from avcues.extractors.registry import OPENSMILE, default_names
from avcues.pipeline.cli.extract_settings import feature_options
from avcues.pipeline.errors import SettingsError


@pytest.mark.parametrize("features", [["all"], ["all", "egemaps"], ["egemaps"], ["color", "emobase"]])
def test_the_audio_rate_reaches_every_feature_of_opensmile(features: list[str]) -> None:
    expanded = {*features, *(default_names() if "all" in features else ())}
    options = feature_options("native", features, [], [])
    assert {name: of_feature["rate_hz"] for name, of_feature in options.items()} == {
        name: "native" for name in OPENSMILE if name in expanded
    }


def test_an_audio_rate_that_nothing_uses_is_refused() -> None:
    with pytest.raises(SettingsError, match="audio_rate"):
        feature_options("native", ["color", "rhythm"], [], [])
