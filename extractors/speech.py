"""Speech recognition by faster-whisper, and what of it is not to be believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from avcues.extractors.compute import Compute
from avcues.extractors.transcript import Judgement, Transcript, Utterance, Word, in_order, sentences
from avcues.models_cache import WeightsError
from avcues.models_cache.loading import load_zip

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

RATE_HZ = 16000
SIZES = (
    *(f"{size}{language}" for size in ("tiny", "base", "small", "medium") for language in ("", ".en")),
    *("large-v1", "large-v2", "large-v3"),
)
"""Those that Systran has on the hub for faster-whisper."""
_PIECE_S = 120  # of sound that the recogniser gets at once
_QUIET_S = 20  # a piece ends at the quietest moment within this of its end
_FRAME = RATE_HZ // 10
_FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Beyond which an utterance is taken for made up; Whisper's own, each by itself.

    Args:
        no_speech: Largest probability that nobody speaks.
        log_probability: Smallest mean log probability of the tokens.
        compression: Largest ratio of the text's bytes to its compressed bytes: above it, it repeats itself.
    """

    no_speech: float = 0.6
    log_probability: float = -1.0
    compression: float = 2.4

    def exceeded(self, judgement: Judgement) -> str:
        """Which of them an utterance exceeds, in words; empty if none."""
        if judgement.no_speech > self.no_speech:
            return "no speech"
        if judgement.compression > self.compression:
            return "repeats itself"
        return "improbable" if judgement.log_probability < self.log_probability else ""


def load_model(path: Path, compute: Compute) -> WhisperModel:
    """A model of faster-whisper, from an archive or a folder with its files.

    Raises:
        WeightsError: It is no such model.
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
        return WhisperModel(path.name, files=load_zip(path, _FILES), **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(f"{path}: is no model of faster-whisper ({str(error).splitlines()[0]})") from error


class WhisperStream:
    """One sound track on its way through Whisper, in pieces of two minutes that are cut where it is quiet.

    Each piece is searched for speech first (Silero's detector, part of faster-whisper): what Whisper makes up, it makes
    up mostly where nobody speaks. Decoding takes the most probable words, without chance: the same sound gives the
    same words.

    Args:
        model: The recogniser.
        language: ISO 639-1 code, or None to have it recognised.
        find_speech: Leave out what Silero's detector takes for no speech.
        limits: Of what is believed.
    """

    def __init__(self, model: WhisperModel, language: str | None, find_speech: bool, limits: Limits) -> None:
        self._model = model
        self._language = language
        self._find_speech = find_speech
        self._limits = limits
        self._pending: list[npt.NDArray[np.float32]] = []
        self._pending_samples = 0
        self._done_samples = 0
        self._utterances: list[Utterance] = []
        self._heard_s = 0.0

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track."""
        self._pending.append(samples)
        self._pending_samples += len(samples)
        if self._pending_samples >= _PIECE_S * RATE_HZ:
            pending = np.concatenate(self._pending)
            end = _quietest(pending[: _PIECE_S * RATE_HZ])
            self._recognise(pending[:end])
            self._pending, self._pending_samples = [pending[end:]], len(pending) - end

    def finish(self) -> Transcript:
        """Recognises the rest."""
        if self._pending_samples:
            self._recognise(np.concatenate(self._pending))
        utterances = [self._judged(utterance) for utterance in self._utterances]
        return Transcript(
            in_order([u for u in utterances if u.judgement is not None and not u.judgement.rejected]),
            self._language,
            in_order([u for u in utterances if u.judgement is not None and u.judgement.rejected]),
            speech_s=round(self._heard_s, 3),
        )

    def abort(self) -> None:
        """Nothing to free."""

    def _recognise(self, samples: npt.NDArray[np.float32]) -> None:
        segments, about = self._model.transcribe(
            samples,
            language=self._language,
            temperature=0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=self._find_speech,
            # It would drop segments without a word; here they are judged, and counted.
            no_speech_threshold=None,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
        )
        begin = Fraction(self._done_samples, RATE_HZ)
        for segment in segments:
            self._utterances += _utterances(segment, begin)
        if about.duration_after_vad:
            self._language = self._language or about.language
        self._heard_s += about.duration_after_vad
        self._done_samples += len(samples)

    def _judged(self, utterance: Utterance) -> Utterance:
        assert utterance.judgement is not None
        rejected = self._limits.exceeded(utterance.judgement)
        return replace(utterance, judgement=replace(utterance.judgement, rejected=rejected))


def _utterances(segment: Any, begin: Fraction) -> list[Utterance]:
    """The sentences of a segment, with its figures."""
    judgement = Judgement(segment.no_speech_prob, segment.avg_logprob, segment.compression_ratio)
    words = [
        Word(word.word.strip(), begin + _seconds(word.start), begin + _seconds(word.end), float(word.probability))
        for word in segment.words or ()
        if any(map(str.isalnum, word.word))
    ]
    return [replace(utterance, judgement=judgement) for utterance in sentences(words, "speech")]


def _seconds(time: float) -> Fraction:
    return Fraction(round(float(time) * 1000), 1000)


def _quietest(samples: npt.NDArray[np.float32]) -> int:
    """The middle of the quietest tenth of a second near the end."""
    first = len(samples) - _QUIET_S * RATE_HZ
    energy = np.square(samples[first:]).reshape(-1, _FRAME).mean(axis=1)
    return first + int(energy.argmin()) * _FRAME + _FRAME // 2


def describe_rejected(rejected: Iterable[Utterance]) -> str:
    """How many were rejected for which reason, in words."""
    reasons = [utterance.judgement.rejected for utterance in rejected if utterance.judgement is not None]
    return ", ".join(f"{reason}: {reasons.count(reason)}" for reason in dict.fromkeys(reasons))
