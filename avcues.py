"""Aligned half-second feature tables from videos, for models of perceived emotion.

```python
import avcues

result = avcues.extract("clip.mp4", features=["emobase", "color"])  # one video, in memory
frame = result["emobase"].to_pandas()

for done in avcues.extract_many(["a.mp4", "b.mp4"], "features"):  # many videos, as Parquet; resumes, isolates
    print(done.video_id, done.state)

data = avcues.open_dataset("features", labels="labels.csv")  # the finished folder, joined on the half-second grid
avcues.features()  # what can be extracted, with units and meanings
```

`avcues.annotations` (ratings, gold standards, agreement) and `avcues.training` (models) are imported when first
used.

Nothing is printed unless `progress=True`. Errors derive from `AvcuesError` and say what happened, to which input, and
what to do, in one line.
"""

from importlib import import_module
from types import ModuleType

from models_cache import AvcuesError, WeightsError
from pipeline.dataset.dataset import Dataset, Fold, open_dataset
from pipeline.errors import DatasetError, InputError, MediaError, OutputError, RunStoppedError, SettingsError
from pipeline.runtime.api import ExtractedVideo, Feature, extract, extract_many, features
from pipeline.store.records import VideoResult

__all__ = [
    "AvcuesError",
    "Dataset",
    "DatasetError",
    "ExtractedVideo",
    "Feature",
    "Fold",
    "InputError",
    "MediaError",
    "OutputError",
    "RunStoppedError",
    "SettingsError",
    "VideoResult",
    "WeightsError",
    "extract",
    "extract_many",
    "features",
    "open_dataset",
]

_ON_FIRST_USE = {"annotations": "pipeline.annotations", "training": "pipeline.training"}


def __getattr__(name: str) -> ModuleType:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(_ON_FIRST_USE[name])
