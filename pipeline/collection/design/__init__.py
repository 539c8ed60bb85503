"""The design of a study."""

from avcues.pipeline.collection.design.read import STUDY, parse_design, read_design
from avcues.pipeline.collection.design.study import Design, Page, Round, Setup

__all__ = ["STUDY", "Design", "Page", "Round", "Setup", "parse_design", "read_design"]
