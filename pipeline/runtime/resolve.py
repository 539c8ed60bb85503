"""Turns a user's request into a run whose choices are all resolved."""

from __future__ import annotations

from avcues.pipeline.runtime.request import Request
from avcues.pipeline.runtime.resolved_run import ResolvedRun
from avcues.pipeline.runtime.weights import OnDownload, resolve_weights
from avcues.pipeline.store.manifest import read_manifest


def resolve(
    request: Request,
    *,
    gpus: tuple[str, ...] | None = (),
    on_download: OnDownload = lambda name, done, total: None,
    may_download: bool = True,
) -> ResolvedRun:
    """Resolves the choices that a request leaves open, from the output folder and the available weights.

    Args:
        request: The user's request.
        gpus: See `ResolvedRun`.
        on_download: Called as downloads proceed.
        may_download: Download missing weights; otherwise, weights that could be downloaded count as present.

    Raises:
        WeightsError: The weights of a requested feature or variant are missing.
        SettingsError: The output folder is damaged, or options are set for a feature that is not part of the run.
    """
    manifest = None if request.overwrite else read_manifest(request.out)
    settings, left_out = resolve_weights(request.settings, manifest, on_download, may_download=may_download)
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
