"""Which videos train, validate and test: folds of a cross-validation, or the partition of a study."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from avcues.pipeline.dataset.dataset import shuffled
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.training.apart import check_apart
from avcues.pipeline.training.protocol import Protocol

_KFOLD_SEED = 42  # of the study's script
_EVERY_TENTH = 10
_PART_NAMES = {
    "train": ("train", "training", "trn"),
    "validation": ("validation", "valid", "val", "dev", "devel", "development"),
    "test": ("test", "testing", "tst", "evaluation", "eval"),
}
_NUMBERED = re.compile(r"(.*?)\d+")
_PIECE = re.compile(r"(?:(?<![^\W_])(?:clip|part|seg|segment|scene|shot|chunk|utterance|utt))?[\W_]*$", re.IGNORECASE)


class Parts(NamedTuple):
    """The videos of one fold."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def named(self) -> dict[str, tuple[str, ...]]:
        """Videos by the name of their part, as messages have it."""
        return {"training": self.train, "validation": self.validation, "test": self.test}


def split(
    labelled: Mapping[str, Collection[str]],
    folds: int,
    protocol: Protocol,
    *,
    order: Sequence[str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> list[Parts]:
    """The folds, over the videos of all roles at once.

    Folds of split="hashed" depend on the ids, or on the names of groups, alone. Videos with labels of the same roles
    are spread evenly over folds and parts, so that no part lacks labels of a role that many videos have.

    Args:
        labelled: By role, the videos that have labels; the first role is the one that is tested.
        folds: Their number.
        order: Of split="kfold": the videos in the order that is split; None: sorted by id.
        groups: The group of each video, all of whose videos are in the same part; videos without one are groups of
            their own.

    Raises:
        SettingsError: There are too few videos or groups, or `order` does not name them.
        LeakError: A video is in two parts.
    """
    videos = sorted({video_id for role_videos in labelled.values() for video_id in role_videos})
    to_test = next(iter(labelled.values()))
    groups = {video_id: group for video_id, group in (groups or {}).items() if video_id in set(videos)}
    noun = "videos" if not groups else "groups of videos"
    count = len(to_test) if not groups else len({_unit(video_id, groups) for video_id in to_test})
    least = max(3, folds)
    if count < least:
        raise SettingsError(
            f"`folds={folds}`: {count} {noun} have labels to be tested on; label {least} or more, or ask "
            "for fewer folds"
        )
    if protocol.split == "kfold":
        assigned = _kfold(_ordered(videos, order), folds, protocol, groups)
    else:
        assigned = _hashed(videos, labelled, folds, protocol, groups)
    for parts in assigned:
        check_apart(parts.named(), groups=groups)
        if not all(parts):
            raise SettingsError(f"`folds={folds}`: {count} {noun} are too few for training, validation and test")
    return assigned


def partitioned(
    labelled: Mapping[str, Collection[str]],
    partition: Mapping[str, str],
    *,
    groups: Mapping[str, str] | None = None,
    name: str = "partition",
) -> Parts:
    """The one fold of a study that has a partition of its own.

    Without a validation part, every tenth training video (or group) validates.

    Args:
        labelled: By role, the videos that have labels; the first role is the one that is tested.
        partition: The part of each video: train, validation (or val, dev, devel) or test, in any case. Videos that it
            does not name are in none.
        name: Of the file that says so.

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
        chosen = set(shuffled({_unit(video_id, groups or {}) for video_id in by_part["train"]}, 0)[::_EVERY_TENTH])
        by_part["validation"] = [v for v in by_part["train"] if _unit(v, groups or {}) in chosen]
        by_part["train"] = [v for v in by_part["train"] if v not in set(by_part["validation"])]
    to_test = next(iter(labelled.values()))
    by_part["test"] = [video_id for video_id in by_part["test"] if video_id in to_test]
    for part, part_videos in by_part.items():
        if not part_videos:
            raise SettingsError(f"{name}: no labelled video is in the {part} part")
    parts = Parts(*(tuple(part_videos) for part_videos in by_part.values()))
    check_apart(parts.named(), groups=groups)
    return parts


def tested(folds: Iterable[Parts]) -> list[str]:
    """The videos that some fold tests, sorted."""
    return sorted({video_id for parts in folds for video_id in parts.test})


def apparent_groups(videos: Iterable[str]) -> dict[str, list[str]]:
    """Videos whose ids look like pieces of one, such as film_01 and film_02, by what the ids have in common.

    Ids that share one stem are no pieces but a numbered list; there have to be several stems, most of them with
    several videos.
    """
    by_stem: dict[str, list[str]] = {}
    every = list(videos)
    for video_id in every:
        match = _NUMBERED.fullmatch(video_id)
        stem = _PIECE.sub("", match[1].rstrip(" _.-[(")).rstrip(" _.-") if match else ""
        if stem:
            by_stem.setdefault(stem, []).append(video_id)
    several = {stem: stem_videos for stem, stem_videos in by_stem.items() if len(stem_videos) > 1}
    pieces = sum(map(len, several.values()))
    return several if len(several) > 1 and pieces > len(every) / 2 else {}


def _unit(video_id: str, groups: Mapping[str, str]) -> str:
    """A name for what stays together: the group of a video, or else the video."""
    return f"{groups[video_id]}\0" if video_id in groups else video_id


def _units(videos: Sequence[str], groups: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Videos that stay together, in the order in which the first of each comes."""
    units: dict[str, list[str]] = {}
    for video_id in videos:
        units.setdefault(_unit(video_id, groups), []).append(video_id)
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
    units = {_unit(unit[0], groups): unit for unit in _units(videos, groups)}

    def size_and_lack(name: str) -> tuple[int, tuple[bool, ...]]:
        return -len(units[name]), tuple(not set(units[name]) & set(role_videos) for role_videos in labelled.values())

    order = [units[name] for name in sorted(shuffled(units, 0), key=size_and_lack)]
    held_out: list[list[tuple[str, ...]]] = [[] for _ in range(count)]
    for unit in order:  # into the smallest fold; without groups that deals them out in turn
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
        raise SettingsError(f"`video_order`: does not name {missing[0]}, which has labels ({len(missing)} in all)")
    if len(set(order)) < len(order):
        raise SettingsError("`video_order`: names a video twice")
    return [video_id for video_id in order if video_id in set(videos)]
