"""Truths that were planted are found, and what cannot be learned is not: on means over seeds.

Networks are an eighth as wide as the study's (`SMALL`), so that each test takes seconds; the margins are those that
were measured with the study's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted import (
    DIMENSION,
    SMALL,
    ccc_of_test_videos,
    latents,
    make_samples,
    parts_of,
    seen_through,
    settings_for,
)

from avcues.pipeline.errors import LeakError
from avcues.pipeline.training.cross_validation import fit_jobs, run_job
from avcues.pipeline.training.evaluate import Predictions, evaluate
from avcues.pipeline.training.fitting import fit_model
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.splits import Parts, split

VIDEOS, WINDOWS = 40, 60


def test_fusion_finds_what_neither_modality_holds_alone() -> None:
    """The label is half the sound's latent and half the picture's."""
    findings: dict[str, list[float]] = {"audio": [], "visual": [], "early": [], "late": []}
    for seed in range(3):
        random = np.random.default_rng(seed)
        audio, visual = latents(random, VIDEOS, WINDOWS), latents(random, VIDEOS, WINDOWS)
        labels = {MAIN: np.tanh((audio + visual) / 4)}
        seen = {"audio": seen_through(random, audio), "visual": seen_through(random, visual)}
        joined = {"features": np.concatenate([seen["visual"], seen["audio"]], axis=2)}
        for name in ("audio", "visual"):
            samples = make_samples({name: seen[name]}, labels)
            settings = settings_for("lstm", [name])
            findings[name].append(ccc_of_test_videos(samples, parts_of(samples, 28, 4), settings, seed=seed))
        for model, features in (("early", joined), ("late", seen)):
            samples = make_samples(features, labels)
            settings = settings_for(model, ["audio", "visual"])
            findings[model].append(ccc_of_test_videos(samples, parts_of(samples, 28, 4), settings, seed=seed))
    means = {name: np.mean(values) for name, values in findings.items()}
    assert means["early"] == pytest.approx(0.75, abs=0.1)
    assert means["late"] == pytest.approx(0.75, abs=0.1)
    assert means["audio"] < 0.45
    assert means["visual"] < 0.45


def test_pretraining_helps_where_few_videos_have_audiovisual_labels() -> None:
    """The latents hide among four louder ones; four videos have audiovisual labels, all have isolated ones."""
    gained = []
    for seed in range(4):
        random = np.random.default_rng(seed)
        audio, visual = latents(random, VIDEOS, WINDOWS), latents(random, VIDEOS, WINDOWS)
        both = np.tanh((audio + visual) / 4)
        both[3:28] = both[29:32] = np.nan
        labels = {MAIN: both, "audio": np.tanh(audio / 2), "visual": np.tanh(visual / 2)}
        samples = make_samples({"audio": hidden(random, audio), "visual": hidden(random, visual)}, labels)
        parts = parts_of(samples, 28, 4)
        late, pair = (
            ccc_of_test_videos(samples, parts, settings_for(model, ["audio", "visual"]), seed=seed)
            for model in ("late", "pair")
        )
        gained.append(pair - late)
    assert np.mean(gained) > 0.3


def test_what_only_words_tell_is_learned_from_them_alone() -> None:
    """The label is the latent of the words; sound and picture have latents of their own."""
    findings: dict[str, list[float]] = {}
    for seed in range(2):
        random = np.random.default_rng(seed)
        seen = {name: latents(random, VIDEOS, WINDOWS) for name in ("audio", "visual", "text")}
        labels = {MAIN: np.tanh(seen["text"] / 2)}
        features = {name: seen_through(random, latent) for name, latent in seen.items()}
        for name, blocks in (*((name, [name]) for name in seen), ("late", [*seen]), ("deaf", ["audio", "visual"])):
            samples = make_samples({block: features[block] for block in blocks}, labels)
            settings = settings_for("lstm" if len(blocks) == 1 else "late", blocks)
            findings.setdefault(name, []).append(
                ccc_of_test_videos(samples, parts_of(samples, 28, 4), settings, seed=seed)
            )
    means = {name: np.mean(values) for name, values in findings.items()}
    print(means)
    assert min(means["text"], means["late"]) > 0.7
    assert max(means["audio"], means["visual"], means["deaf"]) < 0.25


def test_importance_of_modalities_names_the_words() -> None:
    random = np.random.default_rng(0)
    seen = {name: latents(random, VIDEOS, WINDOWS) for name in ("audio", "visual", "text")}
    features = np.concatenate([seen_through(random, latent) for latent in seen.values()], axis=2)
    samples = make_samples({"features": features}, {MAIN: np.tanh(seen["text"] / 2)})
    names = tuple(f"{name}.x{i}" for name in seen for i in range(features.shape[2] // 3))
    samples = replace(samples, columns={"features": names})
    settings = settings_for("lasso", [*seen])
    (job,) = [job for job in fit_jobs(settings, 1) if job.without is None]
    lost = run_job(job, samples, [parts_of(samples, 28, 4)], settings).importance.score_losses
    assert {*lost} == {"audio", "visual", "text", "all of audio", "all of visual", "all of text"}
    assert lost["all of text"] > 0.5
    assert max(lost["all of audio"], lost["all of visual"]) < 0.1


def hidden(random: np.random.Generator, latent: np.ndarray) -> np.ndarray:
    """(videos, windows, 40) mixtures of a latent and of four others that are three times as large."""
    others = [3 * latents(random, *latent.shape) for _ in range(4)]
    mixed = np.stack([latent, *others], axis=-1) @ random.normal(size=(5, 40))
    return mixed + 0.1 * random.normal(size=mixed.shape)


@pytest.fixture(scope="module")
def unlearnable() -> list[dict[str, float]]:
    """CCC of PAIR by how it was pretrained, where features are a fingerprint of each video and labels chance.

    A video's label rises or falls with time, which its features do not tell; only who has seen the video knows.
    """
    findings = []
    for seed in range(4):
        random = np.random.default_rng(seed)
        time = np.linspace(-1, 1, 40)
        labels = 0.6 * random.permutation(np.repeat([-1, 1], 15))[:, None] * time
        features = {name: fingerprints(random, time) for name in ("audio", "visual")}
        samples = make_samples(features, {MAIN: labels, "audio": labels, "visual": labels})
        parts = parts_of(samples, 21, 3)
        epochs = {"audio": 100, "visual": 100, MAIN: 10}
        # Early stopping watches the videos that are learned, so that they are learned by heart.
        own = {"matched": Parts(parts.train, parts.train[:4], ()), "shared": Parts(samples.videos, parts.train[:4], ())}
        scored = {}
        for how, pretraining in own.items():
            protocol = replace(SMALL, learning_rate=3e-3, dropout=0.0, pretrain=how)
            settings = settings_for("pair", ["audio", "visual"], protocol)
            scored[how] = ccc_of_test_videos(
                samples, parts, settings, seed=seed, pretraining=pretraining, epochs=epochs
            )
        findings.append(scored)
    return findings


def fingerprints(random: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """(30, windows, 21): twenty numbers that are the same in every window of a video, and the time."""
    of_video = np.repeat(random.normal(size=(30, 1, 20)), len(time), axis=1)
    return np.concatenate([of_video, np.broadcast_to(time[:, None], (30, len(time), 1))], axis=2)


def test_pretraining_on_the_fold_s_own_training_videos_leaks_nothing(unlearnable: list[dict[str, float]]) -> None:
    assert np.mean([scored["matched"] for scored in unlearnable]) == pytest.approx(0, abs=0.2)


def test_pretraining_on_test_videos_lets_them_be_remembered(unlearnable: list[dict[str, float]]) -> None:
    assert min(scored["shared"] for scored in unlearnable) > 0.58


def test_the_guard_refuses_to_pretrain_on_a_test_video() -> None:
    random = np.random.default_rng(0)
    labels = random.uniform(-1, 1, (10, 20))
    features = {name: random.normal(size=(10, 20, 3)) for name in ("audio", "visual")}
    samples = make_samples(features, {MAIN: labels, "audio": labels, "visual": labels})
    parts = parts_of(samples, 7, 1)
    leaking = Parts((*parts.train, parts.test[0]), parts.validation, ())
    settings = settings_for("pair", ["audio", "visual"])
    with pytest.raises(LeakError, match="v08 is in the pretraining and in the test part"):
        fit_model(samples, parts, DIMENSION, settings, pretraining=leaking)
    copied = replace(samples, fingerprints=samples.fingerprints | {"v08": "v03"})
    with pytest.raises(LeakError, match="made from the same file"):
        fit_model(copied, parts, DIMENSION, settings)


@pytest.mark.parametrize("model", ["lasso", "lstm"])
def test_permuted_targets_give_an_interval_over_zero(model: str) -> None:
    """Each video keeps its features and has the labels of another."""
    random = np.random.default_rng(0)
    audio = latents(random, VIDEOS, WINDOWS)
    seen = seen_through(random, audio)
    block = "features" if model == "lasso" else "audio"
    own, others = (make_samples({block: seen}, {MAIN: np.tanh(y)}) for y in (audio, np.roll(audio, 7, axis=0)))
    settings = settings_for(model, ["audio"], seeds=1)
    learned, permuted = (cross_validated(samples, settings)["ccc"] for samples in (own, others))
    assert permuted["low"] < 0 < permuted["high"]
    assert learned["low"] > 0.5


def cross_validated(samples, settings) -> dict:
    """The figures of a cross-validation, in this process."""
    folds = split({MAIN: samples.videos}, settings.folds, settings.protocol)
    outcomes = [run_job(job, samples, folds, settings) for job in fit_jobs(settings, len(folds))]
    rows, values = (np.concatenate([getattr(one, name) for one in outcomes]) for name in ("rows", "predictions"))
    place = samples.videos_and_windows(rows)[0]
    predictions = Predictions(
        videos=samples.videos,
        rows=tuple(np.flatnonzero(place == i) for i in range(len(samples.videos))),
        folds=(0,) * len(samples.videos),
        targets=samples.gold[DIMENSION][rows, 0],
        values=values[:, 0],
    )
    return evaluate([predictions])


def test_lasso_finds_the_columns_that_make_the_label() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(20, 60, 200))
    planted = random.choice(200, 5, replace=False)
    labels = features[..., planted] @ [0.1, -0.1, 0.2, 0.05, -0.3] + 0.1 * random.normal(size=(20, 60))
    samples = make_samples({"features": features}, {MAIN: labels})
    settings = settings_for("lasso", ["audio"])
    fitted, _ = fit_model(samples, parts_of(samples, 14, 2), DIMENSION, settings)
    largest = np.argsort(-np.abs(fitted.estimator.coefficients))[:5]
    assert sorted(largest) == sorted(planted)
