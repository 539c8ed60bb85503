"""Small pictures of the shots, from the source video if it still exists."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.orientation import Orientation
from avcues.pipeline.media.picture.converter import Converter
from avcues.pipeline.media.picture.stage import PictureStage
from avcues.pipeline.media.source import fingerprint
from avcues.pipeline.media.stills import frames_at
from avcues.pipeline.report.options import Stills
from avcues.pipeline.report.video import Video

MAX_THUMBNAILS = 200
_MIN_PIECE_S = 4.0
_PIECES = 24
HEIGHT_PX = 96
_INDEX_HEIGHT_PX = 54
_BLURRED_HEIGHT_PX = 6
"""Familiar faces can be recognised from about 7 x 10 pixels on (Sinha et al. 2006, Face recognition by humans)."""
_JPEG_QUALITY = 72


@dataclass(frozen=True)
class Thumbnail:
    """A stretch of the film strip.

    Args:
        start: Start in seconds.
        end: End in seconds.
        jpeg: The picture as a data URI; empty without a picture.
        cut: Whether a shot begins here; a long shot has several pictures.
    """

    start: float
    end: float
    jpeg: str = ""
    cut: bool = True


@dataclass(frozen=True)
class FilmStrip:
    """The pictures of a video.

    Args:
        thumbnails: In order of time.
        cover: The picture for the index, as a data URI; empty without a picture.
        missing: Why pictures are missing; empty if none is missing.
    """

    thumbnails: tuple[Thumbnail, ...]
    cover: str = ""
    missing: str = ""


def find_source(video: Video, candidates: Sequence[Path]) -> Path:
    """The candidate from which a video's tables were made.

    Raises:
        MediaError: No candidate exists, or each is another file of the same name.
    """
    existing = [path for path in candidates if path.is_file()]
    if not existing:
        raise MediaError(f"{candidates[0]} was not found; name its folder with --media")
    for path in existing:
        if fingerprint(path) == video.source.get("fingerprint"):
            return path
    raise MediaError(f"{existing[0]} is not the file from which the tables were made; name its folder with --media")


def film_strip(video: Video, candidates: Sequence[Path], stills: Stills = "blur") -> FilmStrip:
    """Makes thumbnails of the middle frames of shots, or of the pieces of long shots.

    Thumbnails have no pictures if the source is missing or damaged, or if `stills` is "none".

    Args:
        candidates: Files that may be the video's source.
        stills: As in `Options`.
    """
    stretches = merge_shots(shot_pieces(video.shots))
    if not stretches:
        return FilmStrip(())
    cuts = {start for start, _ in video.shots}
    empty = tuple(Thumbnail(start, end, cut=start in cuts) for start, end, _ in stretches)
    if stills == "none":
        return FilmStrip(empty)
    if video.status.get("damage", {}).get("clock_restarts"):
        return FilmStrip(empty, missing="the clock of this file restarts, so frames cannot be found by their time")
    try:
        with Media.open(find_source(video, candidates)) as media:
            images = [
                _blurred(image) if image is not None and stills == "blur" else image
                for image in _images(media, stretches)
            ]
    except (MediaError, OSError) as error:
        return FilmStrip(empty, missing=str(error))
    thumbnails = tuple(
        replace(thumbnail, jpeg="" if image is None else _jpeg(image))
        for thumbnail, image in zip(empty, images, strict=True)
    )
    # The longest shot represents the video.
    _, cover = max(zip(stretches, images, strict=True), key=lambda pair: (pair[1] is not None, pair[0][1] - pair[0][0]))
    missing = "" if any(image is not None for image in images) else "no frame of this file could be decoded"
    return FilmStrip(thumbnails, "" if cover is None else _jpeg(_shrink(cover)), missing)


def shot_pieces(shots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Start and end of each piece that gets a picture: short shots as a whole, long shots in equal pieces."""
    longest = max(_MIN_PIECE_S, (shots[-1][1] - shots[0][0]) / _PIECES) if shots else 0.0
    parts: list[tuple[float, float]] = []
    for start, end in shots:
        edges = np.linspace(start, end, max(1, round((end - start) / longest)) + 1).tolist()
        parts += zip([start, *edges[1:-1]], [*edges[1:-1], end], strict=True)
    return parts


def merge_shots(shots: Sequence[tuple[float, float]]) -> list[tuple[float, float, tuple[float, float]]]:
    """Start and end of each stretch, and the shot that represents it: the longest that begins in it.

    Up to `MAX_THUMBNAILS` shots, each shot is a stretch; beyond that, neighbouring shots are merged.
    """
    if len(shots) <= MAX_THUMBNAILS:
        return [(start, end, (start, end)) for start, end in shots]
    slot_s = (shots[-1][1] - shots[0][0]) / MAX_THUMBNAILS
    shots_by_slot: dict[int, list[tuple[float, float]]] = {}
    for shot in shots:
        shots_by_slot.setdefault(int((shot[0] - shots[0][0]) / slot_s), []).append(shot)
    return [
        (group[0][0], group[-1][1], max(group, key=lambda shot: shot[1] - shot[0])) for group in shots_by_slot.values()
    ]


def _images(
    media: Media, stretches: Sequence[tuple[float, float, tuple[float, float]]]
) -> Iterator[npt.NDArray[np.uint8] | None]:
    if media.metadata.video is None:
        yield from [None] * len(stretches)
        return
    converter = media.picture.converter()
    middles = [Fraction((start + end) / 2) for _, _, (start, end) in stretches]
    for (_, _, (start, end)), picture in zip(stretches, frames_at(media, middles), strict=True):
        # If seeking fails, the frame may belong to another shot.
        is_of_shot = picture is not None and start - 0.1 <= float(picture.start) <= end
        yield _scaled(picture, media.picture, converter) if picture is not None and is_of_shot else None


def _scaled(picture: VideoFrame, stage: PictureStage, converter: Converter) -> npt.NDArray[np.uint8]:
    """(`HEIGHT_PX`, width, 3) uint8 RGB, upright."""
    frame, orientation = picture.frame, Orientation.of(picture.frame)
    display_size = stage.display_size(frame)
    scale = HEIGHT_PX / orientation.size(*display_size)[1]
    width, height = (max(1, round(side * scale)) for side in display_size)
    return orientation.apply(converter.scaled(frame, width, height, Interpolation.AREA))


def _blurred(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The image reduced to `_BLURRED_HEIGHT_PX` rows of pixels and enlarged to its former size."""
    height, width = image.shape[:2]
    coarse = (max(1, round(width * _BLURRED_HEIGHT_PX / height)), _BLURRED_HEIGHT_PX)
    small = cv2.resize(image, coarse, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _shrink(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    width = max(1, round(image.shape[1] * _INDEX_HEIGHT_PX / image.shape[0]))
    return np.asarray(cv2.resize(image, (width, _INDEX_HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(image: npt.NDArray[np.uint8]) -> str:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data_uri("jpeg", encoded.tobytes())


def data_uri(kind: str, encoded: bytes) -> str:
    """An encoded image as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
