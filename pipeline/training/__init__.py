"""Models of perceived emotion on a finished folder: trained, tested on unseen videos, saved, used to predict.

The models are those of the MuVi study (Chua et al. 2022, arXiv 2202.10453): LASSO, LSTM on one modality, early and late
fusion, and PAIR, late fusion with branches that were pretrained on ratings of the isolated modalities.

```python
from avcues import open_dataset, training

settings = training.TrainingSettings(model="late", audio=("emobase",), visual=("color", "lighting"))
study = training.prepare("features", "gold/audiovisual.parquet", settings)
figures = training.train(study, "model")  # the content of metrics.json
figures["dimensions"]["valence"]["model"]["ccc"]  # mean, sd and 95 % interval over videos

model = training.load_model("model")
data = open_dataset("features", tables=model.settings.tables)
table = training.predict_video(model, data, "clip")  # one row per window
```

A protocol is a frozen dataclass; `replace` changes single fields:

>>> from dataclasses import replace
>>> replace(MUVI, pretrain="matched", scoring="video").scaling
'minmax'
>>> TrainingSettings(model="late", audio=("emobase",), protocol=CLEAN)
Traceback (most recent call last):
...
avcues.pipeline.errors.SettingsError: `model=late` joins modalities: name tables with `visual` as well

`scores` computes CCC and the other measures of one series:

>>> import numpy as np
>>> scores(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]))["ccc"]
0.6666666666666666
"""

from avcues.pipeline.errors import LeakError
from avcues.pipeline.training.compare import compare, read_models
from avcues.pipeline.training.evaluate import scores
from avcues.pipeline.training.model_tables import model_tables
from avcues.pipeline.training.models.estimator import Estimator, FitTask
from avcues.pipeline.training.predict import Problem, predict_video, seen_in_training, write_predictions
from avcues.pipeline.training.prediction_figures import predictions
from avcues.pipeline.training.protocol import CLEAN, MUVI, Protocol
from avcues.pipeline.training.saved_model import Model, load_model
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.study import Study, choose_tables, prepare
from avcues.pipeline.training.train import evaluate_saved, train

__all__ = [
    "CLEAN",
    "MUVI",
    "Estimator",
    "FitTask",
    "LeakError",
    "Model",
    "Problem",
    "Protocol",
    "Study",
    "TrainingSettings",
    "choose_tables",
    "compare",
    "evaluate_saved",
    "load_model",
    "model_tables",
    "predict_video",
    "predictions",
    "prepare",
    "read_models",
    "scores",
    "seen_in_training",
    "train",
    "write_predictions",
]
