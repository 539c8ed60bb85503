"""The checks that no fold of a study fits anything that has seen a video that it tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.errors import LeakError
from avcues.pipeline.training.apart import check_apart
from avcues.pipeline.training.copies import Copies, CopyPair
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.splits import Parts
from avcues.pipeline.training.study_notes import named
from avcues.pipeline.training.targets import LabelFile


def check_fold(parts: Parts, samples: Samples, files: Mapping[str, LabelFile], data: Dataset) -> None:
    """Makes sure that nothing that a fold fits has seen a test video: no copy of it, and no label fitted on it.

    Args:
        samples: Of all labelled videos.
        files: The labels of the fold, by role.
        data: Tells whether labels were fitted on a test video under another name.

    Raises:
        LeakError: The fold fits a copy of a test video, or a label that was fitted on one.
    """
    check_apart(parts.named(), samples.fingerprints, samples.groups)
    files_of_test = {samples.fingerprints[video_id] for video_id in parts.test}
    for file in files.values():
        leaked = [
            name for name in sorted(file.fitted_on) if name in parts.test or _fingerprint(data, name) in files_of_test
        ]
        if leaked:
            raise LeakError(
                f"{file.name}: these labels were fitted on {named(leaked)}, which a fold tests: give the ratings with "
                "`annotations` to fit the labels anew in every fold, or make labels that need no fitting"
            )


def check_copies(copies: Copies, folds: Sequence[Parts]) -> list[str]:
    """Notes on videos that look like copies of others and that a fold separates into test and other parts.

    Raises:
        LeakError: Two videos are the same, frame by frame or sample by sample, and a fold tests one of them.
    """

    def separated(pair: CopyPair) -> bool:
        return any(
            (pair.first in parts.test) != (pair.second in parts.test) for parts in folds if _has_both(parts, pair)
        )

    equal, near = ([pair for pair in pairs if separated(pair)] for pairs in (copies.equal, copies.near))
    remedy = "remove the labels of one of each pair, or put both into one group"
    if equal:
        more = f" and {len(equal) - 1} more pairs" if len(equal) > 1 else ""
        raise LeakError(f"{equal[0]}{more} are the same video under two names, one of which a fold tests: {remedy}")
    if not near:
        return []
    return [
        f"{len(near)} pairs of videos look like copies, encoded again or trimmed, of which a fold tests one and learns "
        f"from the other: {named([str(pair) for pair in near])}; figures may be too high: {remedy}"
    ]


def _has_both(parts: Parts, pair: CopyPair) -> bool:
    return {pair.first, pair.second} <= {*parts.train, *parts.validation, *parts.test}


def _fingerprint(data: Dataset, video_id: str) -> str | None:
    return data.fingerprint(video_id) if video_id in data.lengths else None
