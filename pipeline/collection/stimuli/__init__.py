"""Stimuli: what raters see and hear of each video."""

from avcues.pipeline.collection.stimuli.index import Clip, Index
from avcues.pipeline.collection.stimuli.prepare import prepare, read_index

__all__ = ["Clip", "Index", "prepare", "read_index"]
