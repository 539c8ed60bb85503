"""Speech recognition: right words at the right times, and nothing where nobody speaks."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np
import pytest
import soxr
from clips import RATE_HZ
from spoken import Spoken, music, over, speak

from avcues.extractors.compute import Compute
from avcues.extractors.speech import RejectionLimits, WhisperStream
from avcues.extractors.transcript import Transcript
from avcues.extractors.words import Words, WordsSettings
from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve

TEXT = (
    "The quick brown fox jumps over the lazy dog. I am very happy about that! Yesterday we walked along the river and "
    "talked about music. The weather was terrible, and nobody wanted to stay outside. Please open the window before "
    "you leave the house. My brother is afraid of the dark. She never told me why they sold the old piano."
)


@pytest.fixture(scope="module")
def words() -> Words:
    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    try:
        resolve("speech/whisper_tiny_en")
    except WeightsError as error:
        pytest.skip(str(error))
    words_extractor = Words(WordsSettings(sources="speech", variant="whisper_tiny_en"))
    words_extractor.setup(Compute(device="cpu"))
    return words_extractor


def recognise(words: Words, sound: np.ndarray, **settings: object) -> Transcript:
    stream = words.start_speech()
    if settings:
        stream = WhisperStream(words._model, "en", **settings)
    for block in np.array_split(soxr.resample(sound, RATE_HZ, words.speech_rate_hz).astype(np.float32), 7):
        stream.write(block)
    return stream.finish()


def compare(spoken: Spoken, begin_s: float, heard: Transcript) -> tuple[float, np.ndarray]:
    """Word error rate, and how far off the starts and ends of the right words are in seconds, (right, 2)."""
    truth = [(word.lower(), start + begin_s, end + begin_s) for word, start, end in spoken.words]
    heard_words = [
        (w.text.lower().strip(".,?!"), float(w.start), float(w.end)) for u in heard.utterances for w in u.words
    ]
    matcher = SequenceMatcher(None, [t[0] for t in truth], [f[0] for f in heard_words], autojunk=False)
    blocks = matcher.get_opcodes()
    errors = sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in blocks if tag != "equal")
    pairs = [
        (truth[i1 + k], heard_words[j1 + k]) for tag, i1, i2, j1, _ in blocks if tag == "equal" for k in range(i2 - i1)
    ]
    return errors / len(truth), np.array([[abs(t[1] - f[1]), abs(t[2] - f[2])] for t, f in pairs])


@pytest.mark.parametrize(
    ("words_per_minute", "music_db", "most_errors"),
    [(130, None, 0.15), (160, None, 0.15), (200, None, 0.15), (160, 10, 0.2), (160, 5, 0.3)],
)
def test_words_of_known_times_are_recognised_at_their_times(
    words: Words, words_per_minute: int, music_db: float | None, most_errors: float
) -> None:
    spoken = speak(TEXT, words_per_minute)
    sound = np.concatenate([np.zeros(3 * RATE_HZ, np.float32), spoken.samples, np.zeros(RATE_HZ, np.float32)])
    if music_db is not None:
        sound = over(sound, music(len(sound) / RATE_HZ + 1), music_db)
    heard = recognise(words, sound)
    error_rate, off = compare(spoken, 3, heard)
    print(
        f"{words_per_minute} words a minute, music {music_db} dB below: word error rate {error_rate:.2f}, starts "
        f"within 0.3 s {np.mean(off[:, 0] < 0.3):.2f}, median {np.median(off[:, 0]):.2f} s"
    )
    assert error_rate <= most_errors
    assert np.mean(off[:, 0] <= 0.3) >= 0.9
    assert heard.language == "en"


@pytest.mark.parametrize("kind", ["silence", "noise", "music"])
def test_nothing_is_heard_where_nobody_speaks(words: Words, kind: str) -> None:
    sound = {
        "silence": np.zeros(30 * RATE_HZ, np.float32),
        "noise": np.random.default_rng(0).normal(0, 0.05, 30 * RATE_HZ).astype(np.float32),
        "music": music(30),
    }[kind]
    heard = recognise(words, sound)
    assert heard.utterances == ()
    assert heard.speech_s == 0


@pytest.mark.parametrize("kind", ["silence", "music"])
def test_what_is_made_up_without_the_detector_is_rejected_with_its_figures(words: Words, kind: str) -> None:
    sound = music(30) if kind == "music" else np.zeros(30 * RATE_HZ, np.float32)
    heard = recognise(words, sound, find_speech=False, limits=RejectionLimits())
    assert heard.utterances == ()
    assert heard.rejected
    for utterance in heard.rejected:
        assert utterance.judgement.rejection in ("no speech", "repeats itself", "improbable")
        assert utterance.judgement.no_speech > 0.6
    assert words.notes(heard)[0].startswith("words are recognised: speech in 30 s; ")
    believed = recognise(
        words, sound, find_speech=False, limits=RejectionLimits(no_speech=1, log_probability=-99, compression=99)
    )
    assert believed.utterances
