"""Errors of running: bad media, bad input lists, bad settings."""

from avcues.errors import AvcuesError


class MediaError(AvcuesError):
    """A file that cannot be read as audio or video."""


class InputError(AvcuesError):
    """Inputs from which no list of videos can be made."""


class OutputError(AvcuesError):
    """The output folder cannot be written; no other video of the run could be written either."""


class RunStoppedError(AvcuesError):
    """A run stopped before all its videos were done; what is done stays done."""


class SettingsError(AvcuesError):
    """Options that are unknown, contradict each other, or contradict the dataset that they would extend."""


class DatasetError(AvcuesError):
    """A finished folder that is not what it should be, or that does not hold what is asked of it."""


class LeakError(AvcuesError):
    """Something that is to be fitted would see a video that is to be tested."""


class LeftOutWarning(UserWarning):
    """Something was left out of a result, and what remains may mislead whoever does not know it."""


def one_line(error: BaseException) -> str:
    """What an error of a library says, without line breaks; its class where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


__all__ = [
    "AvcuesError",
    "DatasetError",
    "InputError",
    "LeakError",
    "LeftOutWarning",
    "MediaError",
    "OutputError",
    "RunStoppedError",
    "SettingsError",
    "one_line",
]
