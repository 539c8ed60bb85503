"""Ratings of several raters: import, checks, gold standards, agreement and perspectives."""

from avcues.pipeline.annotations import *  # noqa: F403
from avcues.pipeline.annotations import __all__ as __all__
