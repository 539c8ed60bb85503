"""From what a user asks for to a run in which nothing is open."""

from __future__ import annotations

from avcues.pipeline.runtime.request import Request
from avcues.pipeline.runtime.resolved_run import ResolvedRun
from avcues.pipeline.runtime.weights import Downloading, settle
from avcues.pipeline.store.manifest import read_manifest


def resolve(
    request: Request,
    *,
    gpus: tuple[str, ...] | None = (),
    downloading: Downloading = lambda name, done, total: None,
    dry: bool = False,
) -> ResolvedRun:
    """Settles what a request leaves open, by what the output folder holds and which weights there are.

    Args:
        request: What the user asks for.
        gpus: As in `ResolvedRun`.
        downloading: Called as downloads go on.
        dry: Download nothing: weights that could be downloaded count as present.

    Raises:
        WeightsError: A feature or a variant that was named lacks its weights.
        SettingsError: The output folder is damaged, or options are set for a feature that is no part of the run.
    """
    manifest = None if request.overwrite else read_manifest(request.out)
    settings, left_out = settle(request.settings, manifest, downloading, dry=dry)
    return ResolvedRun(
        out=request.out.absolute(),
        measurements=settings.measurements(trust_headers=request.trust_headers),
        left_out=left_out,
        limits=request.limits,
        overwrite=request.overwrite,
        verify=request.verify,
        debug=request.debug,
        gpus=gpus,
    )
