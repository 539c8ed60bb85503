"""The exception family of avcues.

It lives in the lowest package because all three raise from it. A message says what happened, to which
input, what was expected and what to do next, in one line: users see the message, never a traceback.
"""

import difflib
import itertools
from collections.abc import Collection

_LISTED = 40


class AvcuesError(Exception):
    """Base of every error that avcues raises on purpose."""


class WeightsError(AvcuesError):
    """Weights are missing and could not be downloaded, or are not what the manifest says."""


def nearest(wrong: str, right: Collection[str]) -> str:
    """'; did you mean "x"?' for a name that nearly is one of the right ones, else the list of these, cut if long."""
    close = difflib.get_close_matches(wrong, right, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    listed = ", ".join(itertools.islice(right, _LISTED))
    return f"; there are: {listed}" + (f" and {len(right) - _LISTED} more" if len(right) > _LISTED else "")
