"""The base of all exceptions of avcues, and the words that their messages share.

A message says in one line what happened, to which input, what was expected and what to do next: users of the command
line see the message, never a traceback.
"""

import difflib
import itertools
from collections.abc import Collection

_LISTED = 40


class AvcuesError(Exception):
    """Base of every error that avcues raises on purpose."""


def nearest(wrong: str, right: Collection[str]) -> str:
    """'; did you mean "x"?' for a name that nearly is one of the right ones, else the list of these, cut if long."""
    close = difflib.get_close_matches(wrong, right, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    listed = ", ".join(itertools.islice(right, _LISTED))
    return f"; there are: {listed}" + (f" and {len(right) - _LISTED} more" if len(right) > _LISTED else "")
