"""Splits videos into training, validation and test: folds of a cross-validation, or a study's own partition."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from avcues.pipeline.dataset.folds import shuffled
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.training.disjoint_parts import check_disjoint
from avcues.pipeline.training.protocol import Protocol

_KFOLD_SEED = 42  # of the study's script
_EVERY_TENTH = 10
_PART_NAMES = {
    "train": ("train", "training", "trn"),
    "validation": ("validation", "valid", "val", "dev", "devel", "development"),
    "test": ("test", "testing", "tst", "evaluation", "eval"),
}
_NUMBERED = re.compile(r"(.*?)\d+")
_PIECE_WORD = re.compile(
    r"(?:(?<![^\W_])(?:clip|part|seg|segment|scene|shot|chunk|utterance|utt))?[\W_]*$", re.IGNORECASE
)


class Parts(NamedTuple):
    """The videos of each part of one fold."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def named(self) -> dict[str, tuple[str, ...]]:
        """Videos by the name of their part, as messages show it."""
        return {"training": self.train, "validation": self.validation, "test": self.test}


def split(
    labelled: Mapping[str, Collection[str]],
    folds: int,
    protocol: Protocol,
    *,
    order: Sequence[str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> list[Parts]:
    """Makes the folds, over the videos of all roles at once.

    With split="hashed", folds depend only on the ids, or on the names of groups. Videos with labels of the same roles
    are spread evenly over folds and parts, so that no part lacks labels of a role that many videos have.

    Args:
        labelled: By role, the videos that have labels; the first role is tested.
        folds: The number of folds.
        order: For split="kfold", the videos in the order in which they are split; None: sorted by id.
        groups: The group of each video; all videos of a group are in the same part. Videos without one are groups of
            their own.

    Raises:
        SettingsError: There are too few videos or groups, or `order` lacks a video.
        LeakError: A video is in two parts.
    """
    videos = sorted({video_id for role_videos in labelled.values() for video_id in role_videos})
    tested_videos = next(iter(labelled.values()))
    groups = {video_id: group for video_id, group in (groups or {}).items() if video_id in set(videos)}
    noun = "videos" if not groups else "groups of videos"
    count = len(tested_videos) if not groups else len({_unit_name(video_id, groups) for video_id in tested_videos})
    required = max(3, folds)
    if count < required:
        raise SettingsError(
            f"`folds={folds}`: {count} {noun} have labels to be tested on; label {required} or more, or use fewer folds"
        )
    if protocol.split == "kfold":
        fold_parts = _kfold(_ordered(videos, order), folds, protocol, groups)
    else:
        fold_parts = _hashed(videos, labelled, folds, protocol, groups)
    for parts in fold_parts:
        check_disjoint(parts.named(), groups=groups)
        if not all(parts):
            raise SettingsError(f"`folds={folds}`: {count} {noun} are too few for training, validation and test")
    return fold_parts


def partitioned(
    labelled: Mapping[str, Collection[str]],
    partition: Mapping[str, str],
    *,
    groups: Mapping[str, str] | None = None,
    name: str = "partition",
) -> Parts:
    """Makes the single fold of a study with its own partition.

    Without a validation part, every tenth training video (or group) becomes a validation video.

    Args:
        labelled: By role, the videos that have labels; the first role is tested.
        partition: The part of each video: train, validation (or val, dev, devel) or test, in any case. Other
            videos are in no part.
        name: The name of the partition file, for messages.

    Raises:
        InputError: A part has another name.
        SettingsError: There is no video to train on, to validate on or to test.
        LeakError: A group is in two parts.
    """
    part_of = {alias: part for part, aliases in _PART_NAMES.items() for alias in aliases}
    videos = sorted({video_id for role_videos in labelled.values() for video_id in role_videos})
    by_part: dict[str, list[str]] = {part: [] for part in _PART_NAMES}
    for video_id in videos:
        if video_id in partition:
            part = part_of.get(partition[video_id].strip().lower())
            if part is None:
                raise InputError(
                    f'{name}: the part of {video_id} is "{partition[video_id]}"; expected train, validation or test'
                )
            by_part[part].append(video_id)
    if not by_part["validation"]:
        validation_units = set(
            shuffled({_unit_name(video_id, groups or {}) for video_id in by_part["train"]}, 0)[::_EVERY_TENTH]
        )
        by_part["validation"] = [
            video_id for video_id in by_part["train"] if _unit_name(video_id, groups or {}) in validation_units
        ]
        by_part["train"] = [video_id for video_id in by_part["train"] if video_id not in set(by_part["validation"])]
    tested_videos = next(iter(labelled.values()))
    by_part["test"] = [video_id for video_id in by_part["test"] if video_id in tested_videos]
    for part, part_videos in by_part.items():
        if not part_videos:
            raise SettingsError(f"{name}: no labelled video is in the {part} part")
    parts = Parts(*(tuple(part_videos) for part_videos in by_part.values()))
    check_disjoint(parts.named(), groups=groups)
    return parts


def tested(folds: Iterable[Parts]) -> list[str]:
    """The videos that any fold tests, sorted."""
    return sorted({video_id for parts in folds for video_id in parts.test})


def apparent_groups(videos: Iterable[str]) -> dict[str, list[str]]:
    """By stem of their ids, videos that look like pieces of a longer one, such as film_01 and film_02.

    If all ids share one stem, they are a numbered list, not pieces: there must be several stems, and most videos must
    share theirs with another.
    """
    by_stem: dict[str, list[str]] = {}
    all_ids = list(videos)
    for video_id in all_ids:
        match = _NUMBERED.fullmatch(video_id)
        stem = _PIECE_WORD.sub("", match[1].rstrip(" _.-[(")).rstrip(" _.-") if match else ""
        if stem:
            by_stem.setdefault(stem, []).append(video_id)
    shared_stems = {stem: stem_videos for stem, stem_videos in by_stem.items() if len(stem_videos) > 1}
    pieces = sum(map(len, shared_stems.values()))
    return shared_stems if len(shared_stems) > 1 and pieces > len(all_ids) / 2 else {}


def _unit_name(video_id: str, groups: Mapping[str, str]) -> str:
    """The name of the unit that must not be split: the group of a video, or the video itself."""
    return f"{groups[video_id]}\0" if video_id in groups else video_id


def _units(videos: Sequence[str], groups: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The videos of each unit, in the order of the first video of each."""
    units: dict[str, list[str]] = {}
    for video_id in videos:
        units.setdefault(_unit_name(video_id, groups), []).append(video_id)
    return [tuple(unit_videos) for unit_videos in units.values()]


def _flat(units: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(video_id for unit in units for video_id in unit)


def _hashed(
    videos: Sequence[str],
    labelled: Mapping[str, Collection[str]],
    count: int,
    protocol: Protocol,
    groups: Mapping[str, str],
) -> list[Parts]:
    units = {_unit_name(unit[0], groups): unit for unit in _units(videos, groups)}

    def size_and_missing_roles(name: str) -> tuple[int, tuple[bool, ...]]:
        return -len(units[name]), tuple(not set(units[name]) & set(role_videos) for role_videos in labelled.values())

    order = [units[name] for name in sorted(shuffled(units, 0), key=size_and_missing_roles)]
    held_out: list[list[tuple[str, ...]]] = [[] for _ in range(count)]
    for unit in order:  # into the smallest fold; without groups this deals the videos out in turn
        min(held_out, key=lambda fold_units: len(_flat(fold_units))).append(unit)
    folds = []
    for fold_units in held_out:
        other_units = set(order) - set(fold_units)
        training = [unit for unit in order if unit in other_units]
        if protocol.validation == "half":
            folds.append(Parts(_flat(training), _flat(fold_units[::2]), _flat(fold_units[1::2])))
        else:
            validation = training[::_EVERY_TENTH]
            train = [unit for i, unit in enumerate(training) if i % _EVERY_TENTH]
            folds.append(Parts(_flat(train), _flat(validation), _flat(fold_units)))
    return folds


def _kfold(videos: Sequence[str], count: int, protocol: Protocol, groups: Mapping[str, str]) -> list[Parts]:
    from sklearn.model_selection import KFold, train_test_split

    units = _units(videos, groups)
    folds = []
    for train, held_out in KFold(count, shuffle=True, random_state=_KFOLD_SEED).split(units):
        if protocol.validation == "half":
            validation, test = train_test_split(held_out, random_state=_KFOLD_SEED, test_size=0.5)
        else:
            train, validation = train_test_split(train, random_state=_KFOLD_SEED, test_size=1 / _EVERY_TENTH)
            test = held_out
        folds.append(Parts(*(_flat(units[i] for i in part) for part in (train, validation, test))))
    return folds


def _ordered(videos: Sequence[str], order: Sequence[str] | None) -> list[str]:
    if order is None:
        return list(videos)
    missing = sorted(set(videos) - set(order))
    if missing:
        raise SettingsError(f"`video_order`: lacks {missing[0]}, which has labels ({len(missing)} such videos)")
    if len(set(order)) < len(order):
        raise SettingsError("`video_order`: names a video twice")
    return [video_id for video_id in order if video_id in set(videos)]
