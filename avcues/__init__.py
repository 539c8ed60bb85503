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

`avcues.annotations` has ratings, gold standards and agreement, `avcues.training` has models. Every name is imported
when it is first used, so that `import avcues` takes a few milliseconds.

Nothing is printed unless `progress=True`. Errors derive from `AvcuesError` and say what happened, to which input, and
what to do, in one line.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
