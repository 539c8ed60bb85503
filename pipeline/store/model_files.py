"""Names of the files of a saved model, in the folder that `avcues train` makes.

| file                   | content                                                                                    |
|------------------------|--------------------------------------------------------------------------------------------|
| `weights.safetensors`  | weights of the final models, one model per dimension                                       |
| `model.json`           | columns, recipes and weights of the feature tables, scaling, settings, folds, versions     |
| `metrics.json`         | all figures                                                                                |
| `MODELCARD.md`         | the model card                                                                             |
| `index.html`           | the page of the model                                                                      |
| `folds.parquet`        | per fold and video: its part                                                               |
| `out_of_fold.parquet`  | per dimension, seed and labelled window: label, prediction and baselines; `without` names  |
|                        | the table that the model did not read; if clips are labelled, a row per clip without a     |
|                        | window; a category is a dimension `<dimension>=<category>`                                 |
| `history.parquet`      | per dimension, seed, fold, stage and epoch: losses                                         |
| `importance.parquet`   | per dimension, seed, fold and table: what is `lost` if the table is replaced by that of    |
|                        | other videos (CCC, or cross-entropy of shares); for one number per clip instead the        |
|                        | `prediction` with the replaced table                                                       |
| `coefficients.parquet` | per dimension, fold and column of LASSO: its coefficient                                   |
| `raters.parquet`       | per dimension, seed, window and rater: rating, prediction of the rater's head, and joint   |
|                        | prediction                                                                                 |
| `probes.parquet`       | per modality, training video and window: colour or sound by which copies are recognised    |
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
