"""Models of text, on the words of the transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from avcues.extractors.hub.model import HubExtractor
from avcues.extractors.protocol import Columns, Table
from avcues.extractors.transcript import Transcript

_UTTERANCES_PER_BATCH = 16


class TextModel(HubExtractor):
    """A model of text on the utterance that covers most of a window, in the languages of the model."""

    needs: ClassVar[tuple[str, ...]] = ("words",)

    @property
    def tables(self) -> Sequence[Table]:
        """One table, named after the model."""
        return (self.table(self.name, "window", "the utterance that fills most of the window; null without one"),)

    def process_transcript(self, transcript: Transcript, step: Fraction, windows: int) -> Mapping[str, Columns]:
        """Measures each utterance once and repeats it on its windows."""
        texts = [utterance.text for utterance in transcript.utterances]
        values = np.full((len(texts) + 1, self.model.spec.width), np.nan, np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # texts of a batch are padded to one length
        for first in range(0, len(texts), _UTTERANCES_PER_BATCH):
            batch = by_length[first : first + _UTTERANCES_PER_BATCH]
            values[batch] = self.outputs([texts[i] for i in batch])
        return {self.name: self.columns(values[transcript.utterance_of_windows(step, windows)])}

    def notes(self, transcript: Transcript) -> Sequence[str]:
        """No notes: every language is measured."""
        return ()
