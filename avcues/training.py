"""Models on labelled videos: trained, tested on unseen videos, saved, and used to predict."""

from avcues.pipeline.training import *  # noqa: F403
from avcues.pipeline.training import __all__ as __all__
