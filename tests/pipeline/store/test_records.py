"""The record of every video."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from avcues.pipeline.errors import MediaError
from avcues.pipeline.store.records import VideoResult, failed_result, read_record, write_record
from avcues.pipeline.store.video_input import VideoInput


def test_every_result_leaves_a_record_that_is_read_again(tmp_path: Path) -> None:
    done = VideoResult(video_id="done", source="done.mp4", state="done")
    failed = failed_result(VideoInput("failed", "failed.mp4"), MediaError("failed.mp4: is empty"))
    for result in (done, failed):
        write_record(result, tmp_path)
        assert read_record(tmp_path, result.video_id) == json.loads(json.dumps(asdict(result)))
