"""The record of every video: `_status/<video_id>.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pipeline.process import VideoResult
from pipeline.tables import write_json


def record(result: VideoResult, out: Path) -> None:
    """Writes what became of a video, on top of what earlier runs found out about the tables that were kept."""
    path = out / "_status" / f"{result.video_id}.json"
    if result.state == "done" and result.kept:
        before = _read(path)
        if not result.tables and before:
            return
        result = replace(
            result,
            tables=before.get("tables", {}) | result.tables,
            damage=_larger(before.get("damage", {}), result.damage),
        )
    write_json(asdict(result), path)


def _read(path: Path) -> dict[str, Any]:
    """The record of an earlier run that made tables, or nothing."""
    try:
        before = dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}
    return before if before.get("state") == "done" else {}


def _larger(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    """Damage of two passes over the same file, which may have decoded different streams."""
    return {kind: max(first.get(kind, 0), second.get(kind, 0)) for kind in sorted(first.keys() | second.keys())}
