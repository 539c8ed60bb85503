"""Which videos train, validate and test, and the guard that no video is in two parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from avcues.pipeline.dataset.dataset import shuffled
from avcues.pipeline.errors import LeakError, SettingsError
from avcues.pipeline.training.settings import Protocol, TrainingSettings

_KFOLD_SEED = 42  # of the study's script
_EVERY_TENTH = 10


class Parts(NamedTuple):
    """The videos of one fold."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split(
    labelled: Mapping[str, Collection[str]], settings: TrainingSettings, order: Sequence[str] | None = None
) -> list[Parts]:
    """The folds, over the videos of all roles at once.

    Folds of split="hashed" depend on the ids alone. Videos with labels of the same roles are spread evenly over folds
    and parts, so that no part lacks labels of a role that many videos have.

    Args:
        labelled: By role, the videos that have labels; the first role is the one that is tested.
        order: Of split="kfold": the videos in the order that is split; None: sorted by id.

    Raises:
        SettingsError: There are too few videos, or `order` does not name them.
        LeakError: A video is in two parts.
    """
    videos = sorted({video_id for of_role in labelled.values() for video_id in of_role})
    tested = next(iter(labelled.values()))
    least = max(3, settings.folds)
    if len(tested) < least:
        raise SettingsError(
            f"--folds {settings.folds}: {len(tested)} videos have labels to be tested on; label {least} or more, "
            "or ask for fewer folds"
        )
    if settings.protocol.split == "kfold":
        folds = _kfold(_ordered(videos, order), settings.folds, settings.protocol)
    else:
        folds = _hashed(videos, labelled, settings.folds, settings.protocol)
    for parts in folds:
        check_apart({"training": parts.train, "validation": parts.validation, "test": parts.test})
        if not all(parts):
            raise SettingsError(
                f"--folds {settings.folds}: {len(videos)} labelled videos are too few for training, validation and test"
            )
    return folds


def tested(folds: Iterable[Parts]) -> list[str]:
    """The videos that some fold tests, sorted."""
    return sorted({video_id for parts in folds for video_id in parts.test})


def check_apart(parts: Mapping[str, Collection[str]], fingerprints: Mapping[str, str] | None = None) -> None:
    """Makes sure that no video is in two parts, be it under two names.

    Args:
        parts: Video ids by the name of their part.
        fingerprints: Of source files, by video id; None: only ids are compared.

    Raises:
        LeakError: A video is in two parts.
    """
    seen: dict[str, tuple[str, str]] = {}
    for part, videos in parts.items():
        for video_id in videos:
            file = video_id if fingerprints is None else fingerprints[video_id]
            where, other = seen.setdefault(file, (part, video_id))
            if where == part:
                continue
            if other == video_id:
                raise LeakError(f"{video_id} is in the {where} and in the {part} part: every video belongs to one part")
            raise LeakError(
                f"{other} ({where} part) and {video_id} ({part} part) were made from the same file: "
                "remove the labels of one of them"
            )


def _hashed(
    videos: Sequence[str], labelled: Mapping[str, Collection[str]], count: int, protocol: Protocol
) -> list[Parts]:
    def lacking(video_id: str) -> tuple[bool, ...]:
        return tuple(video_id not in of_role for of_role in labelled.values())

    order = sorted(shuffled(videos, 0), key=lacking)
    folds = []
    for fold in range(count):
        held_out = order[fold::count]
        rest = [video_id for video_id in order if video_id not in set(held_out)]
        if protocol.validation == "half":
            folds.append(Parts(tuple(rest), tuple(held_out[::2]), tuple(held_out[1::2])))
        else:
            validation = rest[::_EVERY_TENTH]
            train = tuple(video_id for video_id in rest if video_id not in set(validation))
            folds.append(Parts(train, tuple(validation), tuple(held_out)))
    return folds


def _kfold(videos: Sequence[str], count: int, protocol: Protocol) -> list[Parts]:
    from sklearn.model_selection import KFold, train_test_split

    folds = []
    for train, held_out in KFold(count, shuffle=True, random_state=_KFOLD_SEED).split(videos):
        if protocol.validation == "half":
            validation, test = train_test_split(held_out, random_state=_KFOLD_SEED, test_size=0.5)
        else:
            train, validation = train_test_split(train, random_state=_KFOLD_SEED, test_size=1 / _EVERY_TENTH)
            test = held_out
        folds.append(Parts(*(tuple(videos[i] for i in part) for part in (train, validation, test))))
    return folds


def _ordered(videos: Sequence[str], order: Sequence[str] | None) -> list[str]:
    if order is None:
        return list(videos)
    missing = sorted(set(videos) - set(order))
    if missing:
        raise SettingsError(f"--video-order: does not name {missing[0]}, which has labels ({len(missing)} in all)")
    if len(set(order)) < len(order):
        raise SettingsError("--video-order: names a video twice")
    return [video_id for video_id in order if video_id in set(videos)]
