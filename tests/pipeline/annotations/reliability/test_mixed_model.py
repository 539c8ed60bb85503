"""Mixed models of setup effects against statsmodels, and against the analysis of variance of balanced designs."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec
from studies import tidy

from avcues.pipeline.annotations import agreement, import_tidy
from avcues.pipeline.annotations.reliability.mixed_model import fit_crossed_effects
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap


def study(raters: int, videos: int, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Values, design and groups of three setups, of which a share of the cells is rated."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(range(raters), range(videos), range(3), indexing="ij")
    rater, video, setup = (axis.ravel()[rng.random(axis.size) < 2] for axis in axes)
    kept = rng.random(len(rater)) < share
    rater, video, setup = rater[kept], video[kept], setup[kept]
    clip = video * 3 + setup
    value = rng.normal(0, 0.5, raters)[rater] + rng.normal(0, 0.8, videos)[video] + rng.normal(0, 0.4, 3 * videos)[clip]
    value += np.array([0, 0.3, -0.2])[setup] + rng.normal(0, 0.6, len(rater))
    groups = [np.unique(one, return_inverse=True)[1] for one in (rater, video, clip)]
    return value, np.column_stack([np.ones(len(value)), setup == 1, setup == 2]).astype(float), groups


@pytest.mark.parametrize(("raters", "videos", "share"), [(6, 10, 1.0), (8, 12, 0.5)])
def test_crossed_effects_are_those_of_statsmodels(raters: int, videos: int, share: float) -> None:
    value, design, groups = study(raters, videos, share)
    computed, covariance, variances = fit_crossed_effects(value, design, groups)
    names = ["rater", "video", "clip"]
    columns = [[[f"{name}{i}" for i in range(group.max() + 1)]] for name, group in zip(names, groups, strict=True)]
    effects = VCSpec(names, columns, [[np.eye(group.max() + 1)[group]] for group in groups])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = MixedLM(value, design, groups=np.ones(len(value)), exog_vc=effects).fit(reml=True, method=["lbfgs"])
    np.testing.assert_allclose(computed, reference.fe_params, atol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), reference.bse_fe, rtol=0.01)
    np.testing.assert_allclose(variances, [*reference.vcomp, reference.scale], rtol=0.01, atol=2e-3)


def test_a_balanced_design_has_the_variances_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(3)
    raters, videos = 8, 30
    x = rng.normal(0, 1, raters)[:, None] + rng.normal(0, 2, videos) + rng.normal(size=(raters, videos))
    rater, video = (axis.ravel() for axis in np.meshgrid(range(raters), range(videos), indexing="ij"))
    mean, _, variances = fit_crossed_effects(x.ravel(), np.ones((x.size, 1)), [rater, video])
    residual = x - x.mean(1, keepdims=True) - x.mean(0) + x.mean()
    error = (residual**2).sum() / ((raters - 1) * (videos - 1))
    of_raters = (videos * x.mean(1).var(ddof=1) - error) / videos
    of_videos = (raters * x.mean(0).var(ddof=1) - error) / raters
    assert mean[0] == pytest.approx(x.mean(), abs=1e-6)
    np.testing.assert_allclose(variances, [of_raters, of_videos, error], rtol=1e-3)


def test_agreement_tells_planted_effects_and_says_why_there_are_none() -> None:
    value, design, (rater, video, _) = study(8, 12, 1.0)
    setup = (design[:, 1:] @ [1, 2]).astype(int)
    rated = tidy(
        rater=[f"r{i}" for i in rater],
        video_id=[f"v{i:02d}" for i in video],
        setup=[("music", "visual", "audiovisual")[i] for i in setup],
        value=value.tolist(),
        dimension="liking",
    )
    (model,) = agreement(import_tidy(rated), bootstrap=Bootstrap(0), by=()).mixed_models
    assert model.reference == "music"
    assert list(model.effects) == ["visual", "audiovisual"]
    expected, covariance, variances = fit_crossed_effects(value, design, study(8, 12, 1.0)[2])
    visual = model.effects["visual"]
    assert visual.estimate == pytest.approx(expected[1], abs=1e-4)
    assert visual.standard_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-3)
    assert visual.low < 0.3 < visual.high
    assert list(model.variances.values()) == pytest.approx(variances, rel=1e-2, abs=1e-3)
    alone = rated.filter(pa.array(np.array(rated["rater"].to_pylist()) == "r0"))
    (without,) = agreement(import_tidy(alone), bootstrap=Bootstrap(0), by=()).mixed_models
    assert without.reason == "fewer than two raters or videos"
