"""The sentence model against Hugging Face's implementation of its network, and against what sentences mean."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve

TEXTS = ["I am very happy about that!", "The weather was terrible.", "a " * 400, "It rained all day; it was awful."]


@pytest.fixture(scope="module")
def archive() -> Path:
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    try:
        return resolve("sentences/all_minilm_l6_v2").path
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def vectors(archive: Path) -> np.ndarray:
    from avcues.extractors.networks.minilm import SentenceEncoder

    return SentenceEncoder(archive, "cpu")(TEXTS)


def test_vectors_are_those_of_transformers(archive: Path, vectors: np.ndarray, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    from avcues.extractors.torchvision_import import torchvision

    torchvision()  # before transformers imports it
    from transformers import AutoTokenizer, BertModel

    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    encoded = AutoTokenizer.from_pretrained(tmp_path)(
        TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt"
    )
    with torch.inference_mode():
        states = BertModel.from_pretrained(tmp_path).eval()(**encoded).last_hidden_state
    weight = encoded["attention_mask"][..., None]
    expected = torch.nn.functional.normalize((states * weight).sum(dim=1) / weight.sum(dim=1), dim=1)
    np.testing.assert_allclose(vectors, expected.numpy(), atol=1e-6)


def test_sentences_of_one_meaning_are_near_each_other(vectors: np.ndarray) -> None:
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    nearness = vectors @ vectors.T
    assert nearness[1, 3] > 0.5 > nearness[0, 3] + 0.2
