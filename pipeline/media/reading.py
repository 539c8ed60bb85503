"""How a media file is read where it leaves a choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from avcues.pipeline.errors import SettingsError

Downmix = Literal["standard", "mean"]
Picture = Literal["display", "coded"]
Bars = Literal["keep", "crop"]
MIX = "mix"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is read of a media file, and how. The defaults are what a player does.

    Args:
        video_stream: Number of the video stream, as ffprobe counts streams; None: the main one.
        audio_stream: Number of the audio stream, its language (such as "eng"), or "mix" for the mean of all of the
            picture's programme; None: the main one.
        downmix: "standard": sound of more than two channels is mixed by ITU-R BS.775, normalised; "mean": every channel
            counts the same.
        picture: "display": as a viewer sees it: square pixels, fields joined, SDR colours, upright, cropped as the
            file says; "coded": as it is coded, but upright.
        bars: "keep" black bars, or "crop" to the active picture.

    Raises:
        SettingsError: A value is not one of those.
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

    def of_video(self) -> dict[str, object]:
        """The choices that decide what visual features measure, without those that have their default."""
        return self._chosen("video_stream", "picture", "bars")

    def of_audio(self) -> dict[str, object]:
        """The choices that decide what audio features measure, without those that have their default."""
        return self._chosen("audio_stream", "video_stream", "downmix")

    def _chosen(self, *names: str) -> dict[str, object]:
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(_DEFAULT, name)}


_DEFAULT = Reading()
