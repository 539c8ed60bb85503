"""A model of the hub as another package would bring it, pinned to a folder that the environment names."""

from __future__ import annotations

import os

from avcues.extractors.hub.create import PinnedModel


class LabFer(PinnedModel):
    """A model of faces."""

    name = "lab_fer"
    source = os.environ["LAB_FER"]
    options = {"on": "faces"}
