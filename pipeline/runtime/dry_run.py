"""Predicts what a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from avcues.errors import AvcuesError
from avcues.pipeline.errors import one_line
from avcues.pipeline.extraction.measurements import Measurements
from avcues.pipeline.extraction.stamp_check import StampCheck
from avcues.pipeline.extraction.video import up_to_date
from avcues.pipeline.runtime.inputs import collect
from avcues.pipeline.runtime.request import Request
from avcues.pipeline.runtime.resolve import resolve
from avcues.pipeline.runtime.resolved_run import ResolvedRun
from avcues.pipeline.runtime.weights import describe_networks
from avcues.pipeline.store.manifest import check_settings
from avcues.pipeline.store.provenance import assets_of
from avcues.pipeline.store.video_input import VideoInput


@dataclass(frozen=True, kw_only=True)
class PlannedVideo:
    """Plan of a run for one video.

    Args:
        video_id: Id of the video.
        source: Absolute path of the media file, or its URL.
        to_compute: Features that would be computed.
        reused: Features whose tables are up to date.
        error: Why the video would fail, as far as is known without decoding it; empty if it should succeed.
    """

    video_id: str
    source: str
    to_compute: tuple[str, ...]
    reused: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """Plan of a run.

    Args:
        problems: One line for each argument that names no video.
        notes: One line for everything that was skipped in folders, patterns and lists.
        networks: One line for each feature that uses networks, with the networks.
        downloads: Weights files that would be downloaded.
        left_out: Features that would be left out because their weights are missing, each with the reason.
        videos: The videos, in the order in which they would be processed; each is checked when it is requested.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    networks: tuple[str, ...]
    downloads: tuple[str, ...]
    left_out: Mapping[str, str]
    videos: Iterator[PlannedVideo]


def dry_run(paths: Sequence[str], request: Request) -> DryRun:
    """Checks inputs, settings, weights and the output folder as a run does, and writes and downloads nothing.

    Args:
        paths: Files, folders, patterns, lists or URLs, as for `run`.
        request: The requested run.

    Raises:
        AvcuesError: The run would not start.
    """
    inputs = collect(paths, request.shard)
    resolved = resolve(request, may_download=False)
    extractors = resolved.measurements.extractors
    weights = resolved.measurements.compute.weights
    missing_weights = {
        extractor.name: [name for name in assets_of(extractor) if not weights.find(name)] for extractor in extractors
    }
    # Whether tables are up to date is not known for features whose weights are not on this machine yet.
    checkable = replace(
        resolved.measurements, extractors=[extractor for extractor in extractors if not missing_weights[extractor.name]]
    )
    ids = [video.video_id for video in inputs.videos]
    check_settings(resolved.out, checkable.manifest, overwrite=resolved.overwrite, video_ids=ids)
    return DryRun(
        problems=inputs.problems,
        notes=inputs.notes,
        networks=tuple(describe_networks(extractors)),
        downloads=tuple(name for names in missing_weights.values() for name in names),
        left_out=resolved.left_out,
        videos=_plan_videos(inputs.videos, resolved, checkable),
    )


def _plan_videos(
    videos: Sequence[VideoInput], resolved: ResolvedRun, checkable: Measurements
) -> Iterator[PlannedVideo]:
    stamp_check = StampCheck(checkable, resolved.out)
    for video in videos:
        reused: list[str] = []
        error = ""
        try:
            result = None if resolved.verify else stamp_check.result(video)
            if result is not None:
                up_to_date_features = list(result.reused)
            else:
                up_to_date_features = up_to_date(video, checkable, resolved.out, verify=resolved.verify)
            reused = [] if resolved.overwrite else up_to_date_features
        except (AvcuesError, OSError) as problem:
            error = one_line(problem)
        features = [extractor.name for extractor in resolved.measurements.extractors]
        to_compute = tuple(name for name in features if name not in reused)
        yield PlannedVideo(
            video_id=video.video_id, source=video.source, to_compute=to_compute, reused=tuple(reused), error=error
        )
