"""Sentence embeddings of the words, spoken or shown as subtitles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.embedding import embedding_columns, embedding_table
from avcues.extractors.protocol import Columns
from avcues.extractors.text import is_english
from avcues.extractors.transcript import Transcript

if TYPE_CHECKING:
    from avcues.extractors.networks.minilm import SentenceEncoder

_WIDTH = 384


@dataclass(frozen=True)
class TextEmbeddingSettings:
    """Options of the sentence vectors.

    Args:
        variant: Sentence model; "auto" takes the first that is available.
    """

    variant: str = "auto"


class TextEmbedding(BaseExtractor):
    """The vector of the utterance that fills most of a window, by a sentence model."""

    name = "text_embedding"
    version = 1
    citation = "Reimers and Gurevych 2019, Sentence-BERT (all-MiniLM-L6-v2)"
    libraries = ("tokenizers", "torch")
    imports = ("torch",)
    Settings = TextEmbeddingSettings
    needs = ("words",)
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {"variant": ("sentences/all_minilm_l6_v2",)}
    tables = (
        embedding_table(
            "text_embedding",
            "window",
            _WIDTH,
            "sentence vector, of length 1, of the utterance that fills most of the window; null without one, and "
            "unless it is English",
        ),
    )

    def __init__(self, settings: TextEmbeddingSettings = TextEmbeddingSettings()) -> None:
        self.settings = settings
        self._encoder: SentenceEncoder | None = None

    def setup(self, compute: Compute) -> None:
        """Loads the sentence model."""
        if self._encoder is None:
            from avcues.extractors.networks.minilm import SentenceEncoder

            weights = compute.weights.resolve(f"sentences/{self.settings.variant}")
            self._encoder = SentenceEncoder(weights.path, compute.device)

    def process_transcript(self, transcript: Transcript, step: Fraction, windows: int) -> Mapping[str, Columns]:
        """Embeds each utterance once and repeats it on its windows."""
        assert self._encoder is not None
        vectors = np.full((len(transcript.utterances) + 1, _WIDTH), np.nan, np.float32)
        if is_english(transcript.language) and transcript.utterances:
            vectors[:-1] = self._encoder([utterance.text for utterance in transcript.utterances])
        utterance_of_window = transcript.utterance_of_windows(step, windows)
        return {"text_embedding": embedding_columns(vectors[utterance_of_window])}

    def notes(self, transcript: Transcript) -> Sequence[str]:
        """Why vectors are missing; empty if they are not."""
        if is_english(transcript.language):
            return ()
        return (
            f"text_embedding is null: the words are in {transcript.language or 'a language that is not known'}, and "
            "all-MiniLM-L6-v2 was trained on English",
        )
