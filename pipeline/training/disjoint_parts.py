"""Checks that no video, under whatever name, and no group of videos is in two parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from avcues.pipeline.errors import LeakError


def check_disjoint(
    parts: Mapping[str, Collection[str]],
    fingerprints: Mapping[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> None:
    """Checks that no video (even under two names) and no group of videos is in two parts.

    Args:
        parts: Video ids by the name of their part.
        fingerprints: By video id, the fingerprint of its source file; None: only ids are compared.
        groups: The group of each video, such as its film or speaker; videos without one are groups of their own.

    Raises:
        LeakError: A video or a group is in two parts.
    """
    first_by_file: dict[str, tuple[str, str]] = {}
    first_by_group: dict[str, tuple[str, str]] = {}
    for part, videos in parts.items():
        for video_id in videos:
            file = video_id if fingerprints is None else fingerprints[video_id]
            other_part, other_video = first_by_file.setdefault(file, (part, video_id))
            if other_part != part:
                if other_video == video_id:
                    raise LeakError(
                        f"{video_id} is in the {other_part} and in the {part} part: every video belongs to one part"
                    )
                raise LeakError(
                    f"{other_video} ({other_part} part) and {video_id} ({part} part) were made from the same file: "
                    "remove the labels of one of them"
                )
            group = (groups or {}).get(video_id)
            if group is None:
                continue
            other_part, other_video = first_by_group.setdefault(group, (part, video_id))
            if other_part != part:
                raise LeakError(
                    f"{other_video} ({other_part} part) and {video_id} ({part} part) belong to the group {group}: "
                    "a group belongs to one part"
                )
