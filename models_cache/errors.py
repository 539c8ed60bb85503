"""The exception family of avcues.

It lives in the lowest package because all three raise from it. A message says what happened, to which
input, what was expected and what to do next, in one line: users see the message, never a traceback.
"""


class AvcuesError(Exception):
    """Base of every error that avcues raises on purpose."""


class WeightsError(AvcuesError):
    """A model's weights cannot be had or are not what the manifest says."""
