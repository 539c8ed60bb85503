"""Who rated which video."""

from __future__ import annotations

import numpy as np

from avcues.pipeline.annotations.ratings.keys import codes
from avcues.pipeline.annotations.ratings.schema import Annotations


def raters_by_video(annotations: Annotations) -> dict[str, list[int]]:
    """By video, the raters who rated it in any setup, numbered, so that labels do not name raters."""
    raters, videos = annotations.rater_ids, annotations.videos
    rater, video = (codes(annotations.ratings[key], names) for key, names in (("rater", raters), ("video_id", videos)))
    by_video: dict[str, list[int]] = {name: [] for name in videos}
    for pair in np.unique(video * len(raters) + rater).tolist():
        by_video[videos[pair // len(raters)]].append(pair % len(raters))
    return by_video
