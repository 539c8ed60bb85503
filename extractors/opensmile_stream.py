"""Feature sets of openSMILE, window by window, from one continuous pass over the sound track."""

from __future__ import annotations

import importlib.util
import math
import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from avcues.errors import AvcuesError
from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import AudioStream, Columns, Table

if TYPE_CHECKING:
    from opensmile.core.lib import OpenSMILE

_HOP = Fraction(1, 100)
# The last window's frames reach up to 40 ms past its end; with less silence than this, openSMILE drops the window.
_TAIL_S = Fraction(60, 1000)

QUARTILES = {
    "quartile1": ("{}", "first quartile"),
    "quartile2": ("{}", "median"),
    "quartile3": ("{}", "third quartile"),
    "iqr1-2": ("{}", "range from the first quartile to the median"),
    "iqr2-3": ("{}", "range from the median to the third quartile"),
    "iqr1-3": ("{}", "interquartile range"),
}
"""Functionals of emobase and ComParE: maps the name to (unit, with {} for the unit of the descriptor; meaning)."""


@dataclass(frozen=True)
class OpenSmileSettings:
    """Options of openSMILE's feature sets.

    Args:
        rate_hz: Rate that the sound is resampled to, so that a mixed collection is comparable; "native" keeps the
            rate of each track, as the published MuVi tables did. Values depend on the rate.
    """

    rate_hz: int | Literal["native"] = 48000


class OpenSmileExtractor(BaseExtractor):
    """A feature set of openSMILE, in openSMILE's names and order.

    openSMILE runs once over the whole track with windows of fixed length: smoothing, deltas and pitch tracking carry
    over window borders, as in the published MuVi tables. Samples go in as 16-bit integers, as openSMILE's own Python
    interface feeds them, but clipped instead of wrapped. They are the mean of all channels of the track, including
    a low-frequency channel.

    openSMILE gives a number for every window. It is 0 where a functional is undefined (the pitch of a window without
    voice, the slope between peaks of a window with a single peak).

    Attributes:
        feature_set: Path of the installed configuration, below openSMILE's folder of configurations.
        conf: File name of our configuration, which includes `feature_set`.
    """

    imports = ("avcues.extractors.opensmile_import",)
    libraries = ("opensmile", "soxr")
    Settings = OpenSmileSettings
    hop = _HOP
    feature_set: ClassVar[str]
    conf: ClassVar[str] = "standard.conf"

    def __init__(self, settings: OpenSmileSettings = OpenSmileSettings()) -> None:
        self.settings = settings
        self.rate_hz = None if settings.rate_hz == "native" else settings.rate_hz
        if self.rate_hz is not None:
            self.check_rate(self.rate_hz)

    def setup(self, compute: Compute) -> None:
        """Loads openSMILE."""
        import avcues.extractors.opensmile_import  # noqa: F401

    def start_audio(self, rate_hz: int, step: Fraction, expected_windows: int) -> AudioStream:
        """Opens a stream for one video.

        Raises:
            AvcuesError: 10 ms is not a whole number of samples at this rate.
        """
        self.check_rate(rate_hz)
        return OpenSmileStream(self.tables[0], self.feature_set, self.conf, rate_hz, step, expected_windows)

    def check_rate(self, rate_hz: int) -> None:
        """Raises an `AvcuesError` if 10 ms is not a whole number of samples, or the rate is below `MIN_RATE_HZ`."""
        if rate_hz % 100:
            reason = "its hop of 10 ms must be a whole number of samples"
        elif rate_hz < MIN_RATE_HZ:
            reason = f"its bands reach 4 kHz and beyond, so it needs {MIN_RATE_HZ} Hz or more"
        else:
            return
        raise AvcuesError(f"{self.name} cannot run at {rate_hz} Hz: {reason}; use `audio_rate=48000`")


MIN_RATE_HZ = 8000
"""Lowest sampling rate of all feature sets: their bands reach 4 kHz, half of this rate."""


class OpenSmileStream:
    """Streams a sound track through openSMILE, which runs in its own thread.

    Args:
        table: Table whose columns are those of the feature set, in its order.
        feature_set: As in `OpenSmileExtractor`.
        conf: As in `OpenSmileExtractor`.
        rate_hz: Rate of the samples that will be written.
        step: Window length in seconds.
        expected_windows: A guess for sizing buffers.
    """

    def __init__(
        self, table: Table, feature_set: str, conf: str, rate_hz: int, step: Fraction, expected_windows: int
    ) -> None:
        self._table = table
        self._rate_hz = rate_hz
        self._step = step
        self._samples_written = 0
        self._rows = np.empty((len(table.columns), max(1, expected_windows)), np.float32)
        self._row_count = 0
        self._error: BaseException | None = None
        self._smile: OpenSMILE | None = _open_smile(feature_set, conf, rate_hz, step)
        self._smile.external_sink_set_callback("extsink", self._append_row)
        # Started by the first samples, so that the caller can already `abort` the stream.
        self._thread: threading.Thread | None = None
        self._smile_lock = threading.Lock()
        self._is_running = False
        # `abort` waits for this event, because before Python 3.13 an interrupt of Thread.join() marks a thread as ended
        # that still runs (CPython issue 90882), and freeing openSMILE then crashes the process.
        self._ended = threading.Event()

    def _run(self) -> None:
        with self._smile_lock:
            smile = self._smile
            self._is_running = smile is not None
        try:
            if smile is not None:
                smile.run()
        except BaseException as error:  # raised in the writing thread
            self._error = error
        finally:
            self._ended.set()

    def _append_row(self, values: npt.NDArray[np.float32]) -> None:
        if self._row_count == self._rows.shape[1]:
            larger = np.empty((len(self._rows), self._row_count + self._row_count // 2 + 1), np.float32)
            larger[:, : self._row_count] = self._rows
            self._rows = larger
        self._rows[:, self._row_count] = values
        self._row_count += 1

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track."""
        self._samples_written += len(samples)
        self._feed(to_int16(samples))

    def _feed(self, samples: npt.NDArray[np.int16]) -> None:
        assert self._smile is not None
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="opensmile", daemon=True)
            self._thread.start()
        block_samples = self._rate_hz // 10
        for start in range(0, len(samples), block_samples):
            data = samples[start : start + block_samples].tobytes()
            while not self._smile.external_audio_source_write_data("extsource", data):
                # The buffer is full: wait for openSMILE to read on.
                if self._ended.wait(timeout=0.002):
                    raise AvcuesError(f"openSMILE stopped early: {self._error}") from self._error

    def finish(self, windows: int) -> Mapping[str, Columns]:
        """Ends the track, padded with silence to the given number of windows."""
        samples_needed = math.ceil((windows * self._step + _TAIL_S) * self._rate_hz)
        while self._samples_written < samples_needed:
            silence = np.zeros(min(samples_needed - self._samples_written, self._rate_hz), np.float32)
            self.write(silence)
        assert self._smile is not None
        self._smile.external_audio_source_set_eoi("extsource")
        self._ended.wait()
        self._free()
        if self._error is not None or self._row_count < windows:
            raise AvcuesError(f"openSMILE gave {self._row_count} windows instead of {windows}: {self._error}")
        names = (column.name for column in self._table.columns)
        return {self._table.name: {name: self._rows[i, :windows] for i, name in enumerate(names)}}

    def abort(self) -> None:
        """Stops openSMILE after the samples written so far, and frees its memory."""
        if self._smile is not None:
            self._smile.external_audio_source_set_eoi("extsource")
            self._free()

    def _free(self) -> None:
        """Frees openSMILE, once its thread has ended or cannot begin any more."""
        with self._smile_lock:
            smile, self._smile = self._smile, None
        if self._is_running:
            self._ended.wait()
        if smile is not None:
            smile.free()


def to_int16(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Scales -1..1 to 16 bits, rounds to nearest and clips (openSMILE's own conversion wraps at +1)."""
    return np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)


def unit_of(pattern: str, unit: str) -> str:
    """Unit of a functional. `pattern` is the functional's, such as "{}/s" or "({})^2"; `unit` is the descriptor's."""
    return "1" if (pattern, unit) == ("({})^2", "1") else pattern.format(unit)


def _open_smile(feature_set: str, conf: str, rate_hz: int, step: Fraction) -> OpenSMILE:
    from avcues.extractors.opensmile_import import OpenSMILE

    smile = OpenSMILE()
    with tempfile.TemporaryDirectory() as folder:
        spec = importlib.util.find_spec("opensmile")
        assert spec is not None and spec.origin is not None
        installed_folder = _with_ascii_path(Path(spec.origin).parent / "core" / "config", Path(folder) / "installed")
        our_folder = _with_ascii_path(Path(__file__).with_name("opensmile_conf"), Path(folder) / "own")
        options = {
            "featureSet": installed_folder / feature_set,
            "source": installed_folder / "shared" / "standard_external_wave_input.conf.inc",
            "sink": installed_folder / "shared" / "standard_external_data_output_single.conf.inc",
            "sampleRate": rate_hz,
            "bufferSamples": 4 * rate_hz,
            "blockSamples": rate_hz // 10,
            "lldFrames": max(500, math.ceil(4 * step / _HOP)),
            "windowSeconds": float(step),
        }
        if conf == OpenSmileExtractor.conf:
            options |= {
                "frameModeFunctionalsConf": our_folder / "windows.conf",
                "bufferModeConf": our_folder / "descriptors.conf",
            }
        texts = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
        smile.initialize(str(our_folder / conf), texts, loglevel=0)
    return smile


def _with_ascii_path(folder: Path, copy: Path) -> Path:
    """The folder, or a copy of it if its path is not ASCII: openSMILE cannot read other paths."""
    return folder if str(folder).isascii() else Path(shutil.copytree(folder, copy))
