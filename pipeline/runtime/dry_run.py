"""What a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from avcues.errors import AvcuesError
from avcues.models_cache.cache import find, foresee, weights_from
from avcues.pipeline.errors import one_line
from avcues.pipeline.extraction.video import Measurements, up_to_date
from avcues.pipeline.runtime.inputs import collect
from avcues.pipeline.runtime.job import Job
from avcues.pipeline.runtime.weights import describe_networks, settle
from avcues.pipeline.store.manifest import check_settings, read_manifest
from avcues.pipeline.store.provenance import assets_of
from avcues.pipeline.store.video_input import VideoInput


@dataclass(frozen=True, kw_only=True)
class PlannedVideo:
    """What a run would do with one video.

    Args:
        source: Absolute path of the media file, or its URL.
        compute: Features that would be computed.
        kept: Features whose tables are up to date.
        error: Why the video would fail, as far as can be told without decoding it; empty if nothing speaks for that.
    """

    video_id: str
    source: str
    compute: tuple[str, ...]
    kept: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What a run would do.

    Args:
        problems: One line for each argument that names no video.
        networks: One line for each feature that uses networks: which ones.
        downloads: Weights files that would be downloaded.
        left_out: Features that would be left out because their weights are missing, each with the reason.
        videos: In the order in which they would be processed; looked at one by one.
    """

    problems: tuple[str, ...]
    networks: tuple[str, ...]
    downloads: tuple[str, ...]
    left_out: Mapping[str, str]
    videos: Iterator[PlannedVideo]


def dry_run(paths: Sequence[str], job: Job) -> DryRun:
    """Checks inputs, settings, weights and the output folder as a run does, and writes and downloads nothing.

    Args:
        paths: As for `run`.
        job: What would be computed, and where it would be written.

    Raises:
        AvcuesError: The run would not start.
    """
    inputs = collect(paths)
    manifest = None if job.overwrite else read_manifest(job.out)
    with weights_from(job.weights_dir):
        settings, left_out = settle(job.settings, manifest, lambda name, done, total: None, foresee)
        extractors = settings.create_extractors()
        lacking = {
            extractor.name: [name for name in assets_of(extractor) if not find(name)] for extractor in extractors
        }
        # Tables of a feature whose weights are not here yet cannot be told to be up to date.
        known = [extractor for extractor in extractors if not lacking[extractor.name]]
        ids = [video.video_id for video in inputs.videos]
        check_settings(job.out, settings.manifest(known), overwrite=job.overwrite, video_ids=ids)
    return DryRun(
        problems=inputs.problems,
        networks=tuple(describe_networks(extractors)),
        downloads=tuple(name for names in lacking.values() for name in names),
        left_out=left_out,
        videos=_planned(
            inputs.videos,
            replace(job, settings=settings),
            [extractor.name for extractor in extractors],
            Measurements(extractors=known, step=settings.step, compute=settings.compute),
        ),
    )


def _planned(
    videos: Sequence[VideoInput], job: Job, features: Sequence[str], known: Measurements
) -> Iterator[PlannedVideo]:
    for video in videos:
        kept: list[str] = []
        error = ""
        try:
            with weights_from(job.weights_dir):
                found = up_to_date(video, known, job.out, verify=job.verify)
            kept = [] if job.overwrite else found
        except (AvcuesError, OSError) as problem:
            error = one_line(problem)
        compute = tuple(name for name in features if name not in kept)
        yield PlannedVideo(video_id=video.video_id, source=video.source, compute=compute, kept=tuple(kept), error=error)
