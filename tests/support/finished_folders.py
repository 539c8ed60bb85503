"""Finished folders of several videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from plugins import Glow, Motion

from extractors.protocol import Extractor
from pipeline.inputs import VideoInput
from pipeline.process import process_video
from pipeline.settings import Settings, pin


def make_dataset(out: Path, videos: Mapping[str, Path], features: Sequence[str], *, plugins: bool = False) -> Path:
    """Processes videos, given by id, in this process; `plugins` adds extractors that the registry does not know."""
    settings = Settings(features=tuple(features))
    extractors: list[Extractor] = settings.create_extractors()
    extractors += [Glow(), Motion()] if plugins else []
    pin(out, settings, extractors)
    for video_id, path in videos.items():
        result = process_video(VideoInput(video_id, str(path)), settings, extractors, out)
        assert result.state == "done", result.error
    return out
