"""A user's program that uses every public name; type checkers look at it, and nobody runs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

import avcues
from avcues import annotations as ratings
from avcues import training


def extract_tables(clips: list[Path]) -> dict[str, int]:
    video: avcues.ExtractedVideo = avcues.extract(clips[0], features=["color"], step=Fraction(1, 2))
    results: Iterator[avcues.VideoResult] = avcues.extract_many(clips, "out", workers="auto", memory_limit="4GiB")
    rows = {result.video_id: result.windows for result in results if result.state == "done"}
    known: dict[str, avcues.Feature] = avcues.features()
    units: list[str] = [column.unit for feature in known.values() for column in feature.tables[0].columns]
    return rows | {avcues.__version__: len(units), video.video_id: len(video)}


def report(error: avcues.AvcuesError) -> str:
    kinds: tuple[type[avcues.AvcuesError], ...] = (
        avcues.DatasetError,
        avcues.InputError,
        avcues.MediaError,
        avcues.OutputError,
        avcues.RunStoppedError,
        avcues.SettingsError,
        avcues.WeightsError,
        training.LeakError,
    )
    return str(error) if isinstance(error, kinds) else ""


def read_folder() -> int:
    data: avcues.Dataset = avcues.open_dataset("out", tables=["color"], labels="labels.csv")
    fold: avcues.Fold = data.split()[0]
    return fold.train.rows + fold.test.rows


def rate(folder: Path, data: avcues.Dataset) -> list[Path]:
    study: ratings.Annotations = ratings.example({"clip": 40})
    ratings.write(study, folder)
    study = ratings.read(folder)
    dimension: ratings.Dimension = study.dimensions["arousal"]
    checked: ratings.Check = ratings.check(study, Fraction(1, 2))
    bootstrap = ratings.Bootstrap(replicates=100)
    agreed: ratings.Agreement = ratings.agreement(study, bootstrap=bootstrap)
    compared: ratings.Perspectives = ratings.perspectives(study, "arousal", "mood", bootstrap=bootstrap)
    alpha: ratings.Coefficient = ratings.krippendorff_alpha([[1, 2], [1, 3]], "ordinal", bootstrap=bootstrap)
    kappa: ratings.Coefficient = ratings.fleiss_kappa([[1, 2], [1, 3]])
    six: dict[str, ratings.Coefficient] = dict(ratings.intraclass([[1, 2], [1, 3]]))
    six["alpha"] = ratings.cronbach_alpha([[1, 2], [1, 3]])
    needed: int | None = ratings.raters_needed(0.3, 0.8)
    expected = float(ratings.spearman_brown(0.3, needed or 1))
    second: tuple[ratings.Retest, ...] = ratings.retest_reliability(study)
    judged: tuple[ratings.ModelAgreement, ...] = ratings.model_agreement(study, "predictions.parquet")
    print(len(six), expected, len(second), len(judged))
    series = [0.0, 1.0, 0.5]
    similar = float(ratings.ccc(series, series)) + float(ratings.pearson(series, series))
    weighted, _, _ = ratings.ewe([series, series])
    left_out = ratings.leave_one_out_ccc([series, series])
    recipe = ratings.Recipe(delay="auto", smooth=ratings.Smoothing(windows=7))
    values = ratings.FeatureValues(data)
    labels: ratings.Gold = ratings.gold(study, recipe, features=values)
    ratings.read_labels_metadata(labels.tables["music"])
    ratings.soft_labels(study, ["arousal"], bins=3)
    ratings.import_tidy("ratings.csv", range_=(-1, 1))
    ratings.import_wide(["anna.csv"], setup="music")
    ratings.import_muvi("muvi")
    print(dimension.low, checked.problems, agreed.by_setup, compared.rounds, alpha.value, kappa.value, similar)
    print(weighted.mean(), left_out.shape)
    results: ratings.Results = ratings.Results(annotations=study, bootstrap=bootstrap)
    try:
        print(ratings.tables.labels_by_setup(results, "mood").header)
        ratings.plot.rating_distribution(results, ["arousal"])
    except ratings.NotShownError as error:
        print(error)
    return ratings.write_gold(labels, folder)


def learn(out: Path) -> list[str]:
    tables = training.choose_tables("out", "late", audio=["emobase"])
    protocol: training.Protocol = replace(training.CLEAN, epochs=training.MUVI.epochs)
    settings = training.TrainingSettings(
        model="late", audio=tables["audio"], visual=tables["visual"], protocol=protocol
    )
    study: training.Study = training.prepare("out", "labels.csv", settings)
    training.train(study, out)
    training.evaluate_saved(out)
    training.compare([out])
    models = training.read_models([out])
    print(len(list(training.model_tables(models))), training.predictions(models))
    ccc: float = training.scores(np.zeros(3), np.ones(3))["ccc"]
    model: training.Model = training.load_model(out)
    data = avcues.open_dataset("out", tables=model.settings.tables)
    predicted = training.predict_video(model, data, "clip")
    if isinstance(predicted, training.Problem):
        return [predicted.error, str(ccc)]
    training.write_predictions(model, [predicted], out)
    return training.seen_in_training(model, data)


OTHER_NAMES: tuple[object, ...] = (
    avcues.LeftOutWarning,
    avcues.Reading(downmix="mean"),
    avcues.Report,
    avcues.report,
    ratings.FormatOptions,
    ratings.import_format,
    ratings.import_table,
    training.Estimator,
    training.FitTask,
)
