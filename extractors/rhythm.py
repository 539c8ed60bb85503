"""Rhythm, harmony and spectral shape by librosa, which emobase lacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

from avcues.extractors import numba_cache
from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.onsets import FRAMES_PER_SECOND, HOP_LENGTH, RATE_HZ, onset_columns
from avcues.extractors.protocol import Columns, NoSettings
from avcues.extractors.rhythm_columns import CONTRAST_TOP_HZ, TABLE

N_FFT = 2048
# The magnitude of 16-bit rounding noise, sqrt(sum of the squared window / 12) / 2**15. Without it, the contrast of
# bands that a lossy codec leaves empty would depend on the decoder's number format and on the loudest moment.
CONTRAST_FLOOR = np.float32(2**-12)
SILENCE_RMS = np.float32(2**-17)  # a quarter of a step of 16-bit samples
_BLOCK_S = 10  # spectra are computed in blocks of this length


class Rhythm(BaseExtractor):
    """37 librosa descriptors per window, from frames of 2048 samples every 20 ms at 22.05 kHz.

    Frames are centred as in librosa; window k holds the frames centred in [k * step, (k + 1) * step). Decibels are
    relative to full scale without librosa's dynamic-range limit (`top_db=None`), which would make each value
    depend on the loudest moment of the whole track. Onsets, tempo and beats use the onset envelope of the whole track.

    *Pulse clarity* follows Lartillot et al. 2008 ("MaxAutocor"): the largest value of the normalised
    autocorrelation of the onset envelope among the lags of 30 to 300 beat/min. The mean of the 8 s around a window's
    middle is removed, and the autocorrelation is divided by that of the (Hann) window, so that equally regular pulses
    of any tempo are equally clear.

    The means of chroma, tonal centroid, centroid, roll-off and flatness are over the frames with sound; they are null
    in windows without any. A frame is without sound below -102 dB of full scale (root mean square): a quarter of
    a step of 16-bit samples. *Flatness* of white noise is 0.56 where the noise reaches 11 kHz; the resampler
    removes everything above 10 kHz, hence 0.4.

    *Spectral contrast* ends at 10 kHz, below the cut of the resampler, and magnitudes have a floor at the rounding
    noise of 16-bit sound, so that recordings of different rates and formats compare.
    """

    name = "rhythm"
    version = 3
    citation = (
        "librosa 0.11 (McFee et al. 2015); Ellis 2007, Beat tracking by dynamic programming; "
        "Lartillot et al. 2008, Multi-feature modeling of pulse clarity; Harte et al. 2006 (tonal centroid); "
        "Jiang et al. 2002 (spectral contrast)"
    )
    libraries = ("librosa", "numba", "scipy", "soxr")
    Settings = NoSettings
    tables = (TABLE,)
    rate_hz: int | None = RATE_HZ
    hop = Fraction(HOP_LENGTH, RATE_HZ)

    def __init__(self, settings: NoSettings = NoSettings()) -> None:
        self.settings = settings

    def prepare(self, note: Callable[[str], object]) -> None:
        """Compiles librosa's functions, unless an earlier run on this machine did."""
        numba_cache.prepare(note)

    def setup(self, compute: Compute) -> None:
        """Imports librosa. The first use on a machine compiles functions for half a minute."""
        numba_cache.prepare()
        _import_librosa()

    def start_audio(self, rate_hz: int, step: Fraction, expected_windows: int) -> RhythmStream:
        """Opens a stream for one video."""
        return RhythmStream(int(step / self.hop))


class RhythmStream:
    """Streams a sound track through librosa, in blocks that overlap by a frame length minus a hop.

    Args:
        frames_per_window: Number of hops per window.
    """

    def __init__(self, frames_per_window: int) -> None:
        self._frames_per_window = frames_per_window
        windows_per_block = max(1, _BLOCK_S * FRAMES_PER_SECOND // frames_per_window)
        self._block_frames = windows_per_block * frames_per_window
        # Frame 0 is centred on sample 0: it begins half a frame of silence earlier.
        self._pending = [np.zeros(N_FFT // 2, np.float32)]
        self._pending_samples = N_FFT // 2
        self._spectral: list[npt.NDArray[np.float32]] = []
        self._flux: list[npt.NDArray[np.float32]] = []
        self._last_mel: npt.NDArray[np.float32] | None = None

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track."""
        self._pending.append(samples)
        self._pending_samples += len(samples)
        block_samples = (self._block_frames - 1) * HOP_LENGTH + N_FFT
        if self._pending_samples >= block_samples:
            pending = np.concatenate(self._pending)
            while len(pending) >= block_samples:
                self._analyse(pending[:block_samples])
                pending = pending[self._block_frames * HOP_LENGTH :]
            self._pending = [pending]
            self._pending_samples = len(pending)

    def finish(self, windows: int) -> Mapping[str, Columns]:
        """Ends the track, padded with silence to the given number of windows."""
        frame_count = windows * self._frames_per_window
        analysed_frames = sum(len(flux) for flux in self._flux)
        remaining_frames = max(0, frame_count - analysed_frames)
        if remaining_frames:
            pending = np.concatenate(self._pending)
            remaining_samples = (remaining_frames - 1) * HOP_LENGTH + N_FFT
            silence_samples = max(0, remaining_samples - len(pending))
            self._analyse(np.pad(pending, (0, silence_samples))[:remaining_samples])
        spectral = np.concatenate(self._spectral, axis=1)[:, :windows]
        onset_envelope = _shift_flux(np.concatenate(self._flux)[:frame_count])
        columns = dict(zip(_SPECTRAL_NAMES, spectral, strict=True))
        columns |= onset_columns(onset_envelope, windows)
        return {"rhythm": {column.name: columns[column.name] for column in TABLE.columns}}

    def abort(self) -> None:
        """Does nothing: there is nothing to free."""

    def _analyse(self, samples: npt.NDArray[np.float32]) -> None:
        """Measures the frames that fit into the samples, which are a whole number of windows."""
        import librosa

        spectrum = np.abs(librosa.stft(samples, n_fft=N_FFT, hop_length=HOP_LENGTH, center=False))
        power = spectrum**2
        mel_filters, chroma_filters = _filters()
        mel = librosa.power_to_db(np.einsum("ft,mf->mt", power, mel_filters, optimize=True), top_db=None)
        previous = mel[:, :1] if self._last_mel is None else self._last_mel
        self._flux.append(np.maximum(0, np.diff(mel, prepend=previous, axis=1)).mean(axis=0))
        self._last_mel = mel[:, -1:]

        feature = librosa.feature
        rms = feature.rms(y=samples, frame_length=N_FFT, hop_length=HOP_LENGTH, center=False)
        chroma = librosa.util.normalize(np.einsum("cf,ft->ct", chroma_filters, power, optimize=True), norm=np.inf)
        centroid = feature.spectral_centroid(S=spectrum, sr=RATE_HZ)
        spectral_features = np.concatenate(
            [
                chroma,
                feature.tonnetz(chroma=chroma, sr=RATE_HZ),
                centroid,
                feature.spectral_rolloff(S=spectrum, sr=RATE_HZ),
                feature.spectral_flatness(S=spectrum),
            ]
        )
        is_silent = rms[0] < SILENCE_RMS
        spectral_features[:, is_silent] = np.nan
        centroid = np.where(is_silent, np.nan, centroid)
        averaged = np.concatenate([rms, spectral_features, _contrast(spectrum)])
        with_deviation = np.concatenate([rms, centroid])
        by_window = (-1, self._frames_per_window)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # means over windows without sound
            self._spectral.append(
                np.concatenate(
                    [
                        np.nanmean(averaged.reshape(len(averaged), *by_window), axis=2),
                        np.nanstd(with_deviation.reshape(len(with_deviation), *by_window), axis=2),
                    ]
                ).astype(np.float32)
            )


@cache
def _filters() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The filters of librosa's `melspectrogram` and `chroma_stft`, which compute them again at each call."""
    from librosa.filters import chroma, mel

    return mel(sr=RATE_HZ, n_fft=N_FFT), chroma(sr=RATE_HZ, n_fft=N_FFT, tuning=0.0)


def _contrast(spectrum: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(7, T) spectral contrast of (F, T) magnitudes."""
    import librosa

    frequencies = librosa.fft_frequencies(sr=RATE_HZ, n_fft=N_FFT)
    is_in_range = frequencies <= CONTRAST_TOP_HZ
    magnitudes = np.maximum(spectrum[is_in_range], CONTRAST_FLOOR)
    return librosa.feature.spectral_contrast(S=magnitudes, sr=RATE_HZ, freq=frequencies[is_in_range])


_SPECTRAL_NAMES = (
    "rms_mean",
    *(f"chroma_{i:02d}" for i in range(12)),
    *(f"tonnetz_{i}" for i in range(6)),
    "centroid_mean",
    "rolloff_mean",
    "flatness_mean",
    *(f"contrast_{i}" for i in range(7)),
    "rms_std",
    "centroid_std",
)


def _shift_flux(flux: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """librosa's onset strength: the flux, delayed by half a frame length, because frames are centred."""
    lag = N_FFT // (2 * HOP_LENGTH)
    return np.pad(flux, (lag, 0))[: len(flux)]


def _import_librosa() -> None:
    with numba_cache.cache_everything():
        import librosa.beat
        import librosa.feature
        import librosa.onset  # noqa: F401


def warm_up() -> None:
    """Calls every function of librosa that is used, so that numba compiles it."""
    _import_librosa()
    noise = np.random.default_rng(0).normal(0, 0.1, 12 * RATE_HZ).astype(np.float32)
    stream = RhythmStream(FRAMES_PER_SECOND // 2)
    stream.write(noise)
    stream.finish(24)
