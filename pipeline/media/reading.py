"""Options of reading media files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from avcues.pipeline.errors import SettingsError

Downmix = Literal["standard", "mean"]
Picture = Literal["display", "coded"]
Bars = Literal["keep", "crop"]
MIX = "mix"

SOUND_VERSION = 1
PICTURE_VERSION = 1
"""Raised when some files give other samples, pixels or times than before: tables of both versions are never mixed."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is read of a media file, and how. The defaults do what players do.

    Args:
        video_stream: Number of the video stream, as ffprobe counts streams; None: the main one.
        audio_stream: Number of the audio stream, its language (such as "eng"), or "mix" for the mean of all streams of
            the picture's programme; None: the main one.
        downmix: "standard": sound of more than two channels is mixed by ITU-R BS.775, normalised; "mean": every channel
            counts the same.
        picture: "display": as a viewer sees it: square pixels, fields joined, SDR colours, upright, cropped as the
            file says; "coded": as coded, but upright.
        bars: "keep" black bars, or "crop" to the active picture.

    Raises:
        SettingsError: A value is none of these.
    """

    video_stream: int | None = None
    audio_stream: str | None = None
    downmix: Downmix = "standard"
    picture: Picture = "display"
    bars: Bars = "keep"

    def __post_init__(self) -> None:
        for name, choices in (("downmix", Downmix), ("picture", Picture), ("bars", Bars)):
            if getattr(self, name) not in get_args(choices):
                raise SettingsError(f"`{name}={getattr(self, name)}`: expected {' or '.join(get_args(choices))}")
        if self.video_stream is not None and self.video_stream < 0:
            raise SettingsError(f"`video_stream={self.video_stream}`: expected 0 or more")
        if self.audio_stream is not None and not self.audio_stream.isalnum():
            raise SettingsError(f"`audio_stream={self.audio_stream}`: expected a number, a language or {MIX}")

    def video_options(self) -> dict[str, object]:
        """The version of reading pictures, and the options of it that differ from their defaults."""
        return {"picture_version": PICTURE_VERSION} | self._non_defaults("video_stream", "picture", "bars")

    def audio_options(self) -> dict[str, object]:
        """The version of reading sound, and the options of it that differ from their defaults."""
        return {"sound_version": SOUND_VERSION} | self._non_defaults("audio_stream", "video_stream", "downmix")

    def _non_defaults(self, *names: str) -> dict[str, object]:
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(_DEFAULT, name)}


_DEFAULT = Reading()
