"""Exceptions and warnings of the pipeline."""

from avcues.errors import AvcuesError


class MediaError(AvcuesError):
    """A file cannot be read as audio or video."""


class InputError(AvcuesError):
    """An input, such as a list of videos or a table of the user, cannot be used."""


class OutputError(AvcuesError):
    """The output cannot be written, so no other video of the run could be written either."""


class RunStoppedError(AvcuesError):
    """A run stopped before all its videos were done; finished videos are kept."""


class SettingsError(AvcuesError):
    """Settings are unknown, contradict each other, or contradict the dataset that they would extend."""


class DatasetError(AvcuesError):
    """A finished folder is damaged or inconsistent, or lacks the requested data."""


class LeakError(AvcuesError):
    """Something that is fitted would see a test video."""


class LeftOutWarning(UserWarning):
    """Something was left out of a result, which may mislead users who do not know it."""


def one_line(error: BaseException) -> str:
    """The message of an error without line breaks; the name of its class if the message is empty."""
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
