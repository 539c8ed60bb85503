"""Models on labelled videos: the names of `avcues.pipeline.training`."""

from avcues.pipeline.training import *  # noqa: F403
from avcues.pipeline.training import __all__ as __all__
