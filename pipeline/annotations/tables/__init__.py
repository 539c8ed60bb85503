"""Tables of a study: functions of its results, each of which gives a table with its caption and numbers.

>>> from avcues import annotations
>>> results = annotations.Results(annotations=annotations.example({"clip": 40}))
>>> annotations.tables.labels_by_setup(results, "mood").header
('label', 'music', 'visual', 'audiovisual', 'all')
"""

from avcues.pipeline.annotations.tables.all_tables import TABLES, all_tables
from avcues.pipeline.annotations.tables.labels import label_groups_by_setup, labels_by_setup

__all__ = ["TABLES", "all_tables", "label_groups_by_setup", "labels_by_setup"]
