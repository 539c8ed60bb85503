"""Speech recognition by faster-whisper, and the limits beyond which recognised text is rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from avcues.extractors.compute import Compute
from avcues.extractors.transcript import Judgement, Transcript, Utterance, Word, group_into_sentences, sorted_by_time
from avcues.models_cache import WeightsError
from avcues.models_cache.loading import load_zip

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

RATE_HZ = 16000
WHISPER_SIZES = (
    *(f"{size}{language}" for size in ("tiny", "base", "small", "medium") for language in ("", ".en")),
    *("large-v1", "large-v2", "large-v3"),
)
"""Model sizes that Systran publishes on the hub for faster-whisper."""
_BLOCK_S = 120  # sound per call of the recogniser
_SEARCH_S = 20  # a block is cut at the quietest moment of its last 20 s
_FRAME_SAMPLES = RATE_HZ // 10
_MODEL_FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")


@dataclass(frozen=True, kw_only=True)
class RejectionLimits:
    """Limits beyond which an utterance counts as made up: those of Whisper, each applied on its own.

    Args:
        no_speech: Largest probability of no speech.
        log_probability: Smallest mean log probability of the tokens.
        compression: Largest ratio of the text's bytes to its compressed bytes; above it, the text repeats itself.
    """

    no_speech: float = 0.6
    log_probability: float = -1.0
    compression: float = 2.4

    def rejection(self, judgement: Judgement) -> str:
        """The reason to reject an utterance; empty if it exceeds no limit."""
        if judgement.no_speech > self.no_speech:
            return "no speech"
        if judgement.compression > self.compression:
            return "repeats itself"
        return "improbable" if judgement.log_probability < self.log_probability else ""


def load_model(path: Path, compute: Compute) -> WhisperModel:
    """A model of faster-whisper, from an archive or a folder with its files.

    Raises:
        WeightsError: The path holds no such model.
    """
    from faster_whisper import WhisperModel

    options: dict[str, Any] = {
        "device": "cuda" if compute.device == "cuda" else "cpu",
        "compute_type": "float32",
        "cpu_threads": 1,
        "local_files_only": True,
    }
    try:
        if path.is_dir():
            return WhisperModel(str(path), **options)
        return WhisperModel(path.name, files=load_zip(path, _MODEL_FILES), **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(f"{path}: is not a model of faster-whisper ({str(error).splitlines()[0]})") from error


class WhisperStream:
    """Streams a sound track through Whisper, in blocks of up to two minutes that are cut at quiet moments.

    Silero's detector (part of faster-whisper) first finds the speech in each block, because Whisper makes up text
    mostly where nobody speaks. Decoding is deterministic: it takes the most probable words, so the same sound gives the
    same words.

    Args:
        model: The recogniser.
        language: ISO 639-1 code, or None to have it recognised.
        find_speech: Recognise only where Silero's detector finds speech.
        limits: Limits beyond which an utterance is rejected.
    """

    def __init__(
        self, model: WhisperModel, language: str | None, *, find_speech: bool, limits: RejectionLimits
    ) -> None:
        self._model = model
        self._language = language
        self._find_speech = find_speech
        self._limits = limits
        self._pending: list[npt.NDArray[np.float32]] = []
        self._pending_samples = 0
        self._recognised_samples = 0
        self._utterances: list[Utterance] = []
        self._speech_s = 0.0

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track."""
        self._pending.append(samples)
        self._pending_samples += len(samples)
        if self._pending_samples >= _BLOCK_S * RATE_HZ:
            pending = np.concatenate(self._pending)
            end = _quietest_sample(pending[: _BLOCK_S * RATE_HZ])
            self._recognise(pending[:end])
            self._pending, self._pending_samples = [pending[end:]], len(pending) - end

    def finish(self) -> Transcript:
        """Recognises the remaining samples and returns the transcript."""
        if self._pending_samples:
            self._recognise(np.concatenate(self._pending))
        utterances = [self._with_rejection(utterance) for utterance in self._utterances]
        return Transcript(
            sorted_by_time([utterance for utterance in utterances if not _is_rejected(utterance)]),
            self._language,
            sorted_by_time([utterance for utterance in utterances if _is_rejected(utterance)]),
            speech_s=round(self._speech_s, 3),
        )

    def abort(self) -> None:
        """Does nothing: there is nothing to free."""

    def _recognise(self, samples: npt.NDArray[np.float32]) -> None:
        segments, block = self._model.transcribe(
            samples,
            language=self._language,
            temperature=0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=self._find_speech,
            # faster-whisper would silently drop segments beyond its limits; here they are rejected and counted.
            no_speech_threshold=None,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
        )
        block_start = Fraction(self._recognised_samples, RATE_HZ)
        for segment in segments:
            self._utterances += _utterances_of_segment(segment, block_start)
        if block.duration_after_vad:
            self._language = self._language or block.language
        self._speech_s += block.duration_after_vad
        self._recognised_samples += len(samples)

    def _with_rejection(self, utterance: Utterance) -> Utterance:
        assert utterance.judgement is not None
        rejection = self._limits.rejection(utterance.judgement)
        return replace(utterance, judgement=replace(utterance.judgement, rejection=rejection))


def _is_rejected(utterance: Utterance) -> bool:
    return utterance.judgement is not None and bool(utterance.judgement.rejection)


def _utterances_of_segment(segment: Any, block_start: Fraction) -> list[Utterance]:
    """The sentences of a segment, each with the scores of the segment."""
    judgement = Judgement(segment.no_speech_prob, segment.avg_logprob, segment.compression_ratio)
    words = [
        Word(
            word.word.strip(),
            block_start + _seconds(word.start),
            block_start + _seconds(word.end),
            float(word.probability),
        )
        for word in segment.words or ()
        if any(map(str.isalnum, word.word))
    ]
    return [replace(utterance, judgement=judgement) for utterance in group_into_sentences(words, "speech")]


def _seconds(time: float) -> Fraction:
    return Fraction(round(float(time) * 1000), 1000)


def _quietest_sample(samples: npt.NDArray[np.float32]) -> int:
    """The sample in the middle of the quietest tenth of a second near the end."""
    search_start = len(samples) - _SEARCH_S * RATE_HZ
    energy = np.square(samples[search_start:]).reshape(-1, _FRAME_SAMPLES).mean(axis=1)
    return search_start + int(energy.argmin()) * _FRAME_SAMPLES + _FRAME_SAMPLES // 2


def describe_rejected(rejected: Iterable[Utterance]) -> str:
    """The number of rejected utterances for each reason, as text."""
    reasons = [utterance.judgement.rejection for utterance in rejected if utterance.judgement is not None]
    return ", ".join(f"{reason}: {reasons.count(reason)}" for reason in dict.fromkeys(reasons))
