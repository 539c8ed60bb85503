"""Finished folders of several videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from clips import start_dataset
from plugins import Glow, Motion

from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.video_input import VideoInput


def make_dataset(out: Path, videos: Mapping[str, Path], features: Sequence[str], *, plugins: bool = False) -> Path:
    """Processes videos, given by id, in this process; `plugins` adds extractors that the registry does not know."""
    measured = start_dataset(out, Settings(features=tuple(features)), *((Glow, Motion) if plugins else ()))
    for video_id, path in videos.items():
        result = process_video(VideoInput(video_id, str(path)), measured, out)
        assert result.state == "done", result.error
    return out
