"""The linear model, against scikit-learn's own search for the penalty, and what it says of importance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LassoCV
from sklearn.model_selection import GroupKFold

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.importance import coefficients_by_family, descriptor_family
from avcues.pipeline.training.models.lasso import fit_lasso


@pytest.mark.parametrize(("rows", "columns"), [(1500, 40), (120, 300)])
def test_it_finds_the_penalty_and_the_coefficients_of_lassocv(rows: int, columns: int) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, columns)).astype(np.float32)
    y = x[:, :5] @ [0.3, 0.2, 0.1, -0.2, 0.05] + 0.5 * random.normal(size=rows)
    videos = np.repeat(np.arange(10), rows // 10)
    fitted = fit_lasso(x, y, videos)
    folds = list(GroupKFold(5).split(x, y, videos))
    expected = LassoCV(alphas=100, cv=folds, max_iter=5000).fit(x.astype(np.float64), y)
    assert fitted.alpha == pytest.approx(expected.alpha_)
    np.testing.assert_allclose(fitted.weights, expected.coef_, atol=1e-6)
    np.testing.assert_allclose(fitted.predict(x), expected.predict(x), atol=1e-5)


def test_constant_labels_are_predicted_as_they_are() -> None:
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    fitted = fit_lasso(x, np.full(60, 0.25), np.repeat(np.arange(6), 10))
    assert fitted.predict(x) == pytest.approx(0.25)


def test_one_video_is_too_few() -> None:
    with pytest.raises(SettingsError, match="needs at least 2 training videos"):
        fit_lasso(np.zeros((5, 2), np.float32), np.arange(5.0), np.zeros(5, int))


def test_columns_are_grouped_as_in_the_study_s_table() -> None:
    groups = {
        "emobase.mfcc_sma[3]_amean": "MFCC",
        "emobase.mfcc_sma_de[3]_amean": "MFCC",
        "emobase.lspFreq_sma[0]_range": "LSF",
        "emobase.pcm_loudness_sma_max": "loudness",
        "emobase.pcm_intensity_sma_max": "intensity",
        "emobase.F0_sma_amean": "F0",
        "emobase.F0env_sma_amean": "F0",
        "color.hue_010": "hue and saturation",
        "scenes.beach": "scene",
        "lighting.lighting_key": "lighting",
        "objects.count_person": "objects",
        "actions.dancing": "actions",
    }
    assert {column: descriptor_family(column) for column in groups} == groups


def test_weights_of_a_family_are_mean_absolute_coefficients_summed() -> None:
    folds = {
        "emobase.mfcc_sma[1]_amean": [0.4, -0.2],
        "emobase.mfcc_sma[2]_amean": [0.1, 0.1],
        "lighting.x": [0.0, 0.0],
    }
    mfcc, lighting = coefficients_by_family(folds)
    assert mfcc == {"family": "MFCC", "weight": pytest.approx(0.4), "signed": pytest.approx(0.2), "columns": 2}
    assert lighting["weight"] == lighting["columns"] == 0
