"""What the files of a saved model are called, in the folder that `avcues train` makes.

| file                   | what                                                                                       |
|------------------------|--------------------------------------------------------------------------------------------|
| `weights.safetensors`  | weights of the models of all videos, one per dimension                                     |
| `model.json`           | columns, recipes and weights of the feature tables, scaling, settings, folds, versions     |
| `metrics.json`         | every figure                                                                               |
| `MODELCARD.md`         | the model card                                                                             |
| `index.html`           | a page to look at                                                                          |
| `folds.parquet`        | fold, video: its part                                                                      |
| `out_of_fold.parquet`  | dimension, seed, labelled window: label, prediction and baselines; `without` which table;  |
|                        | where clips are labelled a row per clip without a window; a category is a dimension of its |
|                        | own, `<dimension>=<category>`                                                              |
| `history.parquet`      | dimension, seed, fold, stage, epoch: losses                                                |
| `importance.parquet`   | dimension, seed, fold, table: what is `lost` when it is that of other videos (CCC, or      |
|                        | cross-entropy of shares); of numbers per clip instead the `prediction` with such a table   |
| `coefficients.parquet` | dimension, fold, column of LASSO: its coefficient                                          |
| `raters.parquet`       | dimension, seed, window, rater: rating, the prediction of its head, and that for all       |
| `probes.parquet`       | modality, training video, window: colour or sound, by which copies of it are recognised    |
"""

DOCUMENT, WEIGHTS, METRICS, CARD, PAGE = (
    "model.json",
    "weights.safetensors",
    "metrics.json",
    "MODELCARD.md",
    "index.html",
)
FOLDS, OUT_OF_FOLD, HISTORY = "folds.parquet", "out_of_fold.parquet", "history.parquet"
IMPORTANCE, COEFFICIENTS, RATERS, PROBES = (
    "importance.parquet",
    "coefficients.parquet",
    "raters.parquet",
    "probes.parquet",
)
