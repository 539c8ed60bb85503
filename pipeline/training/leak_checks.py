"""Checks that nothing that a fold fits has seen one of its test videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.errors import LeakError
from avcues.pipeline.training.copies import Copies, CopyPair
from avcues.pipeline.training.disjoint_parts import check_disjoint
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.splits import Parts
from avcues.pipeline.training.study_notes import list_names
from avcues.pipeline.training.targets import LabelFile


def check_fold(parts: Parts, samples: Samples, files: Mapping[str, LabelFile], data: Dataset) -> None:
    """Checks that nothing that a fold fits has seen a test video, a copy of one, or a label that was fitted on one.

    Args:
        samples: Of all labelled videos.
        files: The labels of the fold, by role.
        data: The dataset; its fingerprints reveal labels that were fitted on a test video under another name.

    Raises:
        LeakError: The fold fits a copy of a test video, or labels that were fitted on one.
    """
    check_disjoint(parts.named(), samples.fingerprints, samples.groups)
    files_of_test = {samples.fingerprints[video_id] for video_id in parts.test}
    for file in files.values():
        leaked = [
            name for name in sorted(file.fitted_on) if name in parts.test or _fingerprint(data, name) in files_of_test
        ]
        if leaked:
            raise LeakError(
                f"{file.name}: these labels were fitted on {list_names(leaked)}, which a fold tests: give the ratings "
                "with `annotations` to refit the labels in every fold, or make labels that need no fitting"
            )


def check_copies(copies: Copies, folds: Sequence[Parts]) -> list[str]:
    """Notes on pairs of videos that look like copies, if a fold tests only one of the two.

    Raises:
        LeakError: Two videos are the same, frame by frame or sample by sample, and a fold tests only one of them.
    """

    def is_separated(pair: CopyPair) -> bool:
        return any(
            (pair.first in parts.test) != (pair.second in parts.test) for parts in folds if _has_both(parts, pair)
        )

    exact, similar = ([pair for pair in pairs if is_separated(pair)] for pairs in (copies.exact, copies.similar))
    remedy = "remove the labels of one of each pair, or put both into one group"
    if exact:
        more_pairs = f" and {len(exact) - 1} more pairs" if len(exact) > 1 else ""
        raise LeakError(
            f"{exact[0]}{more_pairs} are the same video under two names, one of which a fold tests: {remedy}"
        )
    if not similar:
        return []
    return [
        f"{len(similar)} pairs of videos look like copies, encoded again or trimmed; a fold tests one of each pair and "
        f"learns from the other: {list_names([str(pair) for pair in similar])}; figures may be too high: {remedy}"
    ]


def _has_both(parts: Parts, pair: CopyPair) -> bool:
    return {pair.first, pair.second} <= {*parts.train, *parts.validation, *parts.test}


def _fingerprint(data: Dataset, video_id: str) -> str | None:
    return data.fingerprint(video_id) if video_id in data.lengths else None
