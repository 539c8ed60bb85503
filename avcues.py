"""Aligned half-second feature tables from videos, for models of perceived emotion.

```python
import avcues

result = avcues.extract("clip.mp4", features=["emobase", "color"])  # one video, in memory
frame = result["emobase"].to_pandas()

for done in avcues.extract_many(["a.mp4", "b.mp4"], "features"):  # many videos, as Parquet; resumes, isolates
    print(done.video_id, done.state)

data = avcues.open_dataset("features", labels="labels.csv")  # the finished folder, joined on the half-second grid
avcues.features()  # what can be extracted, with units and meanings

ratings = avcues.annotations.read("ann")  # ratings of several raters: imported, checked, combined into labels
```

Nothing is printed unless `progress=True`. Errors derive from `AvcuesError` and say what happened, to which input, and
what to do, in one line.
"""

from typing import TYPE_CHECKING, Any

from models_cache import AvcuesError, WeightsError
from pipeline.dataset.dataset import Dataset, Fold, open_dataset
from pipeline.errors import DatasetError, InputError, MediaError, OutputError, RunStoppedError, SettingsError
from pipeline.runtime.api import ExtractedVideo, Feature, extract, extract_many, features
from pipeline.store.records import VideoResult

if TYPE_CHECKING:
    from pipeline import annotations

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
    "annotations",
    "extract",
    "extract_many",
    "features",
    "open_dataset",
]


def __getattr__(name: str) -> Any:
    # What is about ratings is imported when it is asked for.
    if name == "annotations":
        from pipeline import annotations

        return annotations
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
