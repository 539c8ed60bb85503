"""openSMILE's emobase: 988 functionals per window, from one continuous pass over the sound track."""

from __future__ import annotations

import importlib.util
import math
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from extractors.base import BaseExtractor
from extractors.compute import Compute
from extractors.protocol import Column, Columns, Table
from models_cache import AvcuesError

if TYPE_CHECKING:
    from opensmile.core.lib import OpenSMILE

_DESCRIPTORS = {  # openSMILE's name without "_sma": (unit, meaning)
    "pcm_intensity": ("1", "mean squared windowed amplitude"),
    "pcm_loudness": ("1", "normalised intensity to the power 0.3"),
    **{f"mfcc[{i}]": ("1", f"mel-frequency cepstral coefficient {i}") for i in range(1, 13)},
    **{f"lspFreq[{i}]": ("rad", f"line spectral frequency {i}") for i in range(8)},
    "pcm_zcr": ("1", "zero-crossing rate per sample"),
    "voiceProb": ("probability", "voicing probability"),
    "F0": ("Hz", "fundamental frequency, 0 where unvoiced"),
    "F0env": ("Hz", "envelope of the fundamental frequency"),
}
_FUNCTIONALS = {  # openSMILE's name: (unit, None for the descriptor's; meaning)
    "max": (None, "maximum"),
    "min": (None, "minimum"),
    "range": (None, "range"),
    "maxPos": ("frame", "position of the maximum in frames of 10 ms"),
    "minPos": ("frame", "position of the minimum in frames of 10 ms"),
    "amean": (None, "arithmetic mean"),
    "linregc1": ("unit/frame", "slope of the linear regression"),
    "linregc2": (None, "offset of the linear regression"),
    "linregerrA": (None, "mean absolute error of the linear regression"),
    "linregerrQ": ("unit^2", "mean squared error of the linear regression"),
    "stddev": (None, "standard deviation"),
    "skewness": ("1", "skewness"),
    "kurtosis": ("1", "kurtosis"),
    "quartile1": (None, "first quartile"),
    "quartile2": (None, "median"),
    "quartile3": (None, "third quartile"),
    "iqr1-2": (None, "range from the first quartile to the median"),
    "iqr2-3": (None, "range from the median to the third quartile"),
    "iqr1-3": (None, "interquartile range"),
}


def _columns() -> tuple[Column, ...]:
    """The 988 columns, named and ordered as openSMILE names and orders them."""
    columns = []
    for suffix, prefix in (("_sma", ""), ("_sma_de", "delta of ")):
        for descriptor, (unit, what) in _DESCRIPTORS.items():
            base, bracket, index = descriptor.partition("[")
            for functional, (own_unit, how) in _FUNCTIONALS.items():
                columns.append(
                    Column(
                        name=f"{base}{suffix}{bracket}{index}_{functional}",
                        unit=own_unit or unit,
                        meaning=f"{how} of {prefix}{what}",
                    )
                )
    return tuple(columns)


_TABLE = Table(name="emobase", row="window", columns=_columns())
COLUMN_NAMES = tuple(column.name for column in _TABLE.columns)

_HOP = Fraction(1, 100)
# The last window's frames reach 40 ms past its end; less silence than this and openSMILE drops the window.
_TAIL = Fraction(60, 1000)


@dataclass(frozen=True)
class EmobaseSettings:
    """Options of emobase.

    Args:
        rate_hz: Rate that the sound is resampled to, so that a mixed collection is comparable; "native" keeps the
            rate of each track, as the published MuVi tables did. emobase's values depend on the rate.
    """

    rate_hz: int | Literal["native"] = 48000


class Emobase(BaseExtractor):
    """988 functionals of 26 low-level descriptors and their deltas, per window, in openSMILE's names and order.

    openSMILE runs once over the whole track with windows of fixed length: smoothing, deltas and the pitch envelope
    carry over window borders, as in the published MuVi tables. Samples go in as 16-bit integers, as openSMILE's own
    Python interface feeds them, but clipped instead of wrapped.
    """

    name = "emobase"
    version = 1
    imports = ("extractors.opensmile_import",)
    citation = "openSMILE emobase (Eyben, Woellmer and Schuller 2010), audEERING opensmile-python"
    libraries = ("opensmile", "soxr")
    Settings = EmobaseSettings
    tables = (_TABLE,)
    hop = _HOP

    def __init__(self, settings: EmobaseSettings = EmobaseSettings()) -> None:
        self.settings = settings
        self.rate_hz = None if settings.rate_hz == "native" else settings.rate_hz
        if self.rate_hz is not None:
            _check_rate(self.rate_hz)

    def setup(self, compute: Compute) -> None:
        """Loads openSMILE."""
        import extractors.opensmile_import  # noqa: F401

    def start_audio(self, rate_hz: int, step: Fraction, expected_windows: int) -> EmobaseStream:
        """Opens a stream for one video.

        Raises:
            AvcuesError: 10 ms is not a whole number of samples at this rate.
        """
        _check_rate(rate_hz)
        return EmobaseStream(rate_hz, step, expected_windows)


def _check_rate(rate_hz: int) -> None:
    if rate_hz % 100 or rate_hz < 8000:
        raise AvcuesError(
            f"emobase cannot run at {rate_hz} Hz: its 10 ms hop must be a whole number of samples, "
            "else windows drift (use --audio-rate 48000)"
        )


class EmobaseStream:
    """One sound track on its way through openSMILE, which runs in a thread of its own."""

    def __init__(self, rate_hz: int, step: Fraction, expected_windows: int) -> None:
        self._rate_hz = rate_hz
        self._step = step
        self._written = 0
        self._rows = np.empty((len(COLUMN_NAMES), max(1, expected_windows)), np.float32)
        self._count = 0
        self._error: BaseException | None = None
        self._smile: OpenSMILE | None = _open_smile(rate_hz, step)
        self._smile.external_sink_set_callback("extsink", self._take_row)
        self._thread = threading.Thread(target=self._run, name="opensmile", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            assert self._smile is not None
            self._smile.run()
        except BaseException as error:  # carried to the writing thread
            self._error = error

    def _take_row(self, values: npt.NDArray[np.float32]) -> None:
        if self._count == self._rows.shape[1]:
            grown = np.empty((len(COLUMN_NAMES), self._count + self._count // 2 + 1), np.float32)
            grown[:, : self._count] = self._rows
            self._rows = grown
        self._rows[:, self._count] = values
        self._count += 1

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track."""
        self._written += len(samples)
        self._feed(to_int16(samples))

    def _feed(self, samples: npt.NDArray[np.int16]) -> None:
        assert self._smile is not None
        block = self._rate_hz // 10
        for start in range(0, len(samples), block):
            data = samples[start : start + block].tobytes()
            while not self._smile.external_audio_source_write_data("extsource", data):
                # The buffer is full: wait for openSMILE to read on.
                self._thread.join(timeout=0.002)
                if not self._thread.is_alive():
                    raise AvcuesError(f"openSMILE stopped early: {self._error}") from self._error

    def finish(self, windows: int) -> Mapping[str, Columns]:
        """Ends the track, padded with silence to the given number of windows."""
        wanted = math.ceil((windows * self._step + _TAIL) * self._rate_hz)
        while self._written < wanted:
            silence = np.zeros(min(wanted - self._written, self._rate_hz), np.float32)
            self.write(silence)
        assert self._smile is not None
        self._smile.external_audio_source_set_eoi("extsource")
        self._thread.join()
        self._free()
        if self._error is not None or self._count < windows:
            raise AvcuesError(f"openSMILE gave {self._count} windows instead of {windows}: {self._error}")
        return {"emobase": {name: self._rows[i, :windows] for i, name in enumerate(COLUMN_NAMES)}}

    def abort(self) -> None:
        """Ends openSMILE on what it has and frees its memory."""
        if self._smile is not None:
            self._smile.external_audio_source_set_eoi("extsource")
            self._thread.join()
            self._free()

    def _free(self) -> None:
        if self._smile is not None:
            self._smile.free()
            self._smile = None


def to_int16(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Scales -1..1 to 16 bits, rounds to nearest and clips (openSMILE's own conversion wraps at +1)."""
    return np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)


def _open_smile(rate_hz: int, step: Fraction) -> OpenSMILE:
    from extractors.opensmile_import import OpenSMILE

    smile = OpenSMILE()
    buffer_frames = max(500, math.ceil(4 * step / _HOP))
    with tempfile.TemporaryDirectory() as folder:
        own, installed, source, sink = _ascii_paths(Path(folder))
        smile.initialize(
            own,
            {
                "emobaseConf": installed,
                "source": source,
                "sink": sink,
                "sampleRate": rate_hz,
                "bufferSamples": 4 * rate_hz,
                "blockSamples": rate_hz // 10,
                "lldFrames": buffer_frames,
                "deltaFrames": buffer_frames,
                "windowSeconds": float(step),
            },
            loglevel=0,
        )
    return smile


def _ascii_paths(folder: Path) -> list[str]:
    """Our configuration and the installed ones; copies in `folder` of those whose path openSMILE could not read."""
    spec = importlib.util.find_spec("opensmile")
    assert spec is not None and spec.origin is not None
    installed = Path(spec.origin).parent / "core" / "config"
    paths = [
        Path(__file__).with_name("emobase.conf"),
        installed / "emobase" / "emobase.conf",
        installed / "shared" / "standard_external_wave_input.conf.inc",
        installed / "shared" / "standard_external_data_output_single.conf.inc",
    ]
    for i, path in enumerate(paths):
        if not str(path).isascii():
            paths[i] = folder / f"{i}.conf"
            paths[i].write_bytes(path.read_bytes())
    return [str(path) for path in paths]
