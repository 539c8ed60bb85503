"""What raters see and hear of each video."""

from avcues.pipeline.collection.stimuli.prepare import prepare, read_index
from avcues.pipeline.collection.stimuli.index import Clip, Index

__all__ = ["Clip", "Index", "prepare", "read_index"]
