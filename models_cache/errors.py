"""The exception family of avcues.

It lives in the lowest package because all three raise from it. A message says what happened, to which
input, what was expected and what to do next, in one line: users see the message, never a traceback.
"""

import difflib
from collections.abc import Collection


class AvcuesError(Exception):
    """Base of every error that avcues raises on purpose."""


class WeightsError(AvcuesError):
    """A model's weights cannot be had or are not what the manifest says."""


def nearest(wrong: str, right: Collection[str]) -> str:
    """'; did you mean "x"?' for a name that nearly is one of the right ones, else the list of these."""
    close = difflib.get_close_matches(wrong, right, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; there are: {', '.join(right)}"
