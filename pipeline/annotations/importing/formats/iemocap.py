"""IEMOCAP, `EmoEvaluation/*.txt`: categories and valence, activation, dominance of utterances by several raters.

```
[6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]
C-E2:	Neutral;	()
A-E3:	val 3; act 2; dom  2;	()
```

A video is one utterance, as in `sentences/`. Raters called F or M judged themselves. `Categorical/` and `Attribute/`
below hold the same judgements in a file per rater, and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError

_UTTERANCE = re.compile(r"\[\s*[\d.]+\s*-\s*[\d.]+\s*\]\s+(?P<name>\S+)")
_RATER = re.compile(r"(?P<kind>[CA])-(?P<rater>\w+):\s*(?P<judgement>[^()]*)")
_ATTRIBUTE = re.compile(r"(?P<name>val|act|dom)\s+(?P<value>\d+(?:\.\d+)?)")
_WITHOUT_VALUE = re.compile(r"(val|act|dom)\s*(;|$)")
_NAMES = {"val": "valence", "act": "activation", "dom": "dominance"}


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    return Reading(
        parts=[_part(file, options.setup or "all") for file in files],
        dimensions={name: Dimension(name=name, level="ordinal", low=1, high=5) for name in _NAMES.values()},
    )


def _part(file: Path, setup: str) -> Part:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    utterance, without_value = None, 0
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        heading, rater_line = _UTTERANCE.match(line), _RATER.match(line)
        if heading is not None:
            utterance = heading["name"]
        elif rater_line is not None and utterance is not None:
            keys: dict[str, Any] = {"rater": rater_line["rater"], "video_id": utterance, "setup": setup}
            if rater_line["kind"] == "C":
                labels = [label.strip() for label in rater_line["judgement"].split(";") if label.strip()]
                line_ratings = [keys | {"dimension": "emotion", "label": label} for label in dict.fromkeys(labels)]
            else:
                line_ratings = [
                    keys | {"dimension": _NAMES[attribute["name"]], "value": float(attribute["value"])}
                    for attribute in _ATTRIBUTE.finditer(rater_line["judgement"])
                ]
                without_value += len(_WITHOUT_VALUE.findall(rater_line["judgement"]))
            rows += line_ratings
            numbers += [number] * len(line_ratings)
    if not rows:
        raise InputError(f"{file}: lacks the ratings of utterances that every file of EmoEvaluation has")
    names = ("rater", "video_id", "setup", "dimension", "label")
    table = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    table["value"] = pa.array([row.get("value") for row in rows], pa.float64())
    notes = [f"{file.name}: left out: {counted(without_value, 'attribute')} without a value"] if without_value else []
    return Part(table=pa.table(table), name=str(file), rows=np.array(numbers), notes=notes)


FORMAT = Format(
    title="IEMOCAP (dialog/EmoEvaluation/*.txt)",
    files="EmoEvaluation/*.txt",
    looks_like=lambda path, head: path.suffix == ".txt" and _UTTERANCE.search(head) is not None and "C-E" in head,
    read=_read,
)
