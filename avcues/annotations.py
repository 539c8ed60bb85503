"""Ratings, gold standards, agreement and perspectives: the names of `avcues.pipeline.annotations`."""

from avcues.pipeline.annotations import *  # noqa: F403
from avcues.pipeline.annotations import __all__ as __all__
