"""What every extractor promises, checked on every extractor."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest

from avcues.errors import AvcuesError
from avcues.extractors import registry
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import (
    FRAME,
    WINDOW,
    AudioExtractor,
    ClipBatch,
    ClipExtractor,
    Columns,
    Extractor,
    FrameBatch,
    FrameExtractor,
    FramePair,
    ItemLinker,
    Items,
    PairExtractor,
    ShotDetector,
    Table,
    TextExtractor,
)
from avcues.extractors.transcript import Transcript, Utterance, spread_words
from avcues.models_cache import WeightsError
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.runtime.weights import resolve_weights

NAMES = registry.names()
MISSED_BY = {  # share of a declared range by which extreme inputs may miss its ends
    "rms_std": 0.07,  # frames of 93 ms on a step of the level are neither loud nor silent
    "tempo_bpm": 1.0,  # a tempo is above 0, whatever the sound
    "centroid_std": 0.1,  # likewise
    **{f"tonnetz_{i}": 0.28 for i in range(6)},  # librosa's filters give some of a tone to the neighbouring classes
}


@pytest.fixture(params=NAMES, scope="module")
def extractor(request: pytest.FixtureRequest) -> Extractor:
    """Each extractor, with the best weights that are here or can be downloaded, and with all of its tables."""
    options = {}
    if request.param == "objects":
        options = {"objects": {"variant": str(request.getfixturevalue("yolo_checkpoint"))}}
    try:
        settings, _ = resolve_weights(Settings(features=(request.param,), options=options), None, lambda *_: None)
    except WeightsError as error:
        pytest.skip(str(error))
    extractor_with_all_tables = registry.create(
        request.param, settings.options.get(request.param), registry.extra_tables()
    )
    extractor_with_all_tables.setup(Compute(device="cpu"))
    return extractor_with_all_tables


def check_values(table: Table, columns: Columns) -> None:
    """Asserts that all columns are there, within their declared ranges, and that groups sum to 1."""
    assert set(columns) - {FRAME} == {column.name for column in table.columns}
    assert (FRAME in columns) == (table.row == "item")
    for column in table.columns:
        values = np.asarray(columns[column.name])
        if column.dtype == "string":
            assert all(isinstance(value, str) for value in values)
            continue
        present = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        assert np.isfinite(present).all(), column.name
        for limit, outside in ((column.low, np.less), (column.high, np.greater)):
            if limit is not None:
                beyond = present[outside(present, limit) & ~np.isclose(present, limit, rtol=1e-4, atol=1e-4)]
                assert not len(beyond), f"{table.name}.{column.name}: {beyond[:3]} beyond {limit}"
    for group in table.sums_to_one:
        total = np.sum([np.asarray(columns[name], np.float64) for name in group], axis=0)
        np.testing.assert_allclose(total[~np.isnan(total)], 1, atol=1e-3)


def check_reached(table: Table, columns: Columns) -> None:
    """Asserts that some value comes near both ends of every declared range.

    Args:
        columns: Values for extreme inputs.
    """
    missed = {}
    for column in table.columns:
        values = np.asarray(columns[column.name])
        span = (column.high if column.high is not None else np.nanmax(values)) - (column.low or 0)
        for limit, extreme in ((column.low, np.nanmin(values)), (column.high, np.nanmax(values))):
            if limit is not None and abs(extreme - limit) / span > MISSED_BY.get(column.name, 0.02):
                missed[column.name] = f"{extreme} does not reach {limit}"
    assert not missed, missed


def extreme_images() -> np.ndarray:
    """(B, 96, 128, 3) uint8 RGB: flat colours, halves and quarters, noise."""

    def halves(share: float, left: Sequence[int], right: Sequence[int]) -> np.ndarray:
        image = np.full((96, 128, 3), right, np.uint8)
        image[:, : round(128 * share)] = left
        return image

    black, white, red, cyan = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 255)
    hues = cv2.cvtColor(np.array([[[h, 255, 255] for h in (*range(0, 180, 5), 178)]], np.uint8), cv2.COLOR_HSV2RGB)[0]
    greys = [(255, 255 - s, 255 - s) for s in range(0, 256, 8)]
    images = [halves(1, colour, black) for colour in (*hues, *greys, (255, 0, 4), black, white)]
    images += [halves(share, white, black) for share in (0.25, 0.5, 0.75)]
    images += [halves(0.5, red, cyan), halves(0.5, red, white), halves(0.5, red, black)]
    images.append(np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8))
    return np.stack(images)


def extreme_sounds(rate: int) -> Mapping[str, np.ndarray]:
    """Sounds by name."""
    time = np.arange(4 * rate) / rate
    noise = np.random.default_rng(0)

    def sine(hz: float) -> np.ndarray:
        return np.sin(2 * np.pi * hz * time)

    square = np.sign(sine(100) + 1e-9)
    highest = sine(0.498 * rate)
    sounds = {
        "silence": np.zeros(len(time)),
        "square": square,
        "noise": noise.uniform(-1, 1, len(time)),
        "rounding noise": noise.integers(-1, 2, len(time)) / 32768,
        "offset": np.ones(len(time)),
        "impulses": np.where(np.arange(20 * rate) % (rate // 2) == 0, 1, 0),
        "second half": np.where(time > 2.25, square, 0),
        "highest tone": highest,
        "alternating": np.where(time % 0.5 < 0.25, sine(30), highest),
        **{f"pitch class {i}": sine(440 * 2 ** (3 + i / 12)) for i in range(12)},
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}


def measure_sound(extractor: AudioExtractor, sound: np.ndarray, windows: int) -> Mapping[str, Columns]:
    stream = extractor.start_audio(extractor.rate_hz or 48000, Fraction(1, 2), windows)
    stream.write(sound)
    return stream.finish(windows)


def test_declares_itself(extractor: Extractor) -> None:
    assert extractor.name in NAMES
    assert extractor.version >= 1
    assert extractor.citation
    assert dataclasses.is_dataclass(extractor.settings)
    with pytest.raises(dataclasses.FrozenInstanceError):
        extractor.settings.anything = 1
    kinds = (AudioExtractor, FrameExtractor, ClipExtractor, PairExtractor, ShotDetector, TextExtractor)
    assert sum(isinstance(extractor, kind) for kind in kinds) >= 1


def test_documents_every_column(extractor: Extractor) -> None:
    assert extractor.tables[0].name == extractor.name
    for table in extractor.tables:
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)
        for column in table.columns:
            assert column.unit
            assert column.meaning
            assert "\n" not in column.meaning
        for group in table.sums_to_one:
            assert set(group) <= set(names)


def test_setting_up_again_loads_nothing_again(extractor: Extractor) -> None:
    attributes_before = dict(vars(extractor))
    extractor.setup(Compute(device="cpu"))
    attributes_after = vars(extractor)
    assert attributes_before.keys() == attributes_after.keys()
    assert all(attributes_after[name] is value for name, value in attributes_before.items())


def linked(extractor: Extractor, measured: Mapping[str, Columns]) -> dict[str, Columns]:
    """What frames of one shot, half a second apart, measure, with the columns that follow from all of them."""
    complete = {}
    for table in extractor.tables:
        columns = dict(measured[table.name])
        if isinstance(extractor, ItemLinker) and table.row == "item":
            frames = np.asarray(columns[FRAME])
            columns |= extractor.link_items(table.name, Items(columns, frames / 2, np.zeros_like(frames), 0.5))
        complete[table.name] = columns
    return complete


def test_frames_give_one_row_each_in_any_batch(extractor: Extractor, real_frames: np.ndarray) -> None:
    if not isinstance(extractor, FrameExtractor):
        pytest.skip("takes no frames")
    images = real_frames
    count = len(images)
    together = extractor.process_frames(FrameBatch(images, tuple(range(count))))
    alone = [extractor.process_frames(FrameBatch(images[i : i + 1], (0.0,))) for i in range(count)]
    for table in extractor.tables:
        columns = together[table.name]
        check_values(table, linked(extractor, together)[table.name])
        if table.row == "item":
            owners = np.concatenate([np.full(len(a[table.name][FRAME]), i) for i, a in enumerate(alone)])
            assert columns[FRAME].tolist() == owners.tolist()
            assert all(set(a[table.name][FRAME].tolist()) <= {0} for a in alone)
        for column in (column for column in table.columns if column.name in columns):
            if table.row == "window":
                assert len(columns[column.name]) == count
            expected = np.concatenate([a[table.name][column.name] for a in alone])
            if columns[column.name].dtype.kind == "f":
                np.testing.assert_allclose(columns[column.name], expected, rtol=1e-3, atol=1e-4)
            else:
                assert columns[column.name].tolist() == expected.tolist()


def test_clips_give_one_row_each_in_any_batch(extractor: Extractor) -> None:
    if not isinstance(extractor, ClipExtractor):
        pytest.skip("takes no clips")
    shape = (2, extractor.clip_frames, extractor.crop_px, extractor.crop_px, 3)
    clips = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    together = extractor.process_clips(ClipBatch(clips))
    alone = np.concatenate([extractor.process_clips(ClipBatch(clips[i : i + 1])) for i in range(2)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    described = extractor.describe_shots(together, np.array([1, 1], np.int32), np.array([2, 2.56], np.float32))
    for table in extractor.tables:
        assert list(described[table.name]) == [column.name for column in table.columns]
        check_values(table, described[table.name])


def test_extreme_pairs_stay_within_the_declared_ranges(extractor: Extractor) -> None:
    if not isinstance(extractor, PairExtractor):
        pytest.skip("takes no pairs")
    images = [np.ascontiguousarray(image[..., 1]) for image in extreme_images()]
    values = np.array([extractor.process_pair(FramePair(pair, 0.04)) for pair in pairwise(images)])
    (table,) = extractor.tables
    described = extractor.describe_windows(values, np.ones(len(values), np.int16))
    assert list(described[table.name]) == [column.name for column in table.columns]
    check_values(table, described[table.name])


@pytest.mark.parametrize("samples", [1, 1000, 48000, 100_001])
def test_sound_gives_the_rows_asked_for_in_any_blocks(extractor: Extractor, samples: int) -> None:
    if not isinstance(extractor, AudioExtractor):
        pytest.skip("takes no sound")
    rate = extractor.rate_hz or 48000
    step = Fraction(1, 2)
    sound = np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)
    windows = max(1, -(-samples * 2 // rate))
    results = []
    for block in (samples, 777):
        stream = extractor.start_audio(rate, step, 1)
        for start in range(0, samples, block):
            stream.write(sound[start : start + block])
        results.append(stream.finish(windows))
    for table in extractor.tables:
        check_values(table, results[0][table.name])
        for column in table.columns:
            first, second = (result[table.name][column.name] for result in results)
            assert len(first) == windows
            np.testing.assert_array_equal(first, second)


def test_extreme_frames_stay_within_the_declared_ranges_and_reach_their_ends(extractor: Extractor) -> None:
    if not isinstance(extractor, FrameExtractor):
        pytest.skip("takes no frames")
    images = extreme_images()
    measured = linked(extractor, extractor.process_frames(FrameBatch(images, tuple(range(len(images))))))
    for table in extractor.tables:
        check_values(table, measured[table.name])
        if not getattr(extractor, "weights", ()):  # nothing is known of what a network says
            check_reached(table, measured[table.name])


def test_extreme_sounds_stay_within_the_declared_ranges_and_reach_their_ends(extractor: Extractor) -> None:
    if not isinstance(extractor, AudioExtractor):
        pytest.skip("takes no sound")
    sounds = extreme_sounds(extractor.rate_hz or 48000)
    measured = [measure_sound(extractor, sound, 8 * len(sound) // len(sounds["silence"])) for sound in sounds.values()]
    for table in extractor.tables:
        together = {c.name: np.concatenate([m[table.name][c.name] for m in measured]) for c in table.columns}
        check_values(table, together)
        check_reached(table, together)


@pytest.mark.parametrize("language", ["en", "de", None])
def test_words_give_the_rows_asked_for(extractor: Extractor, language: str | None) -> None:
    if not isinstance(extractor, TextExtractor):
        pytest.skip("takes no words")
    spoken = (("I am happy", -1, 1), ("No.", 1, Fraction(7, 5)), ("This is the end of it", 4, 9))
    utterances = tuple(
        Utterance(
            text, Fraction(start), Fraction(end), spread_words(text, Fraction(start), Fraction(end)), "sidecar, spread"
        )
        for text, start, end in spoken
    )
    columns = extractor.process_transcript(Transcript(utterances, language), Fraction(1, 2), 12)
    for table in extractor.tables:
        assert set(columns[table.name]) - {WINDOW} == {column.name for column in table.columns}
        lengths = {len(values) for values in columns[table.name].values()}
        assert len(lengths) == 1
        assert lengths == {12} if table.row == "window" else set(columns[table.name][WINDOW].tolist()) <= set(range(12))


def test_abandoned_sound_frees_its_resources(extractor: Extractor) -> None:
    if not isinstance(extractor, AudioExtractor):
        pytest.skip("takes no sound")
    attributes_before = set(threading.enumerate())
    stream = extractor.start_audio(extractor.rate_hz or 48000, Fraction(1, 2), 10)
    stream.write(np.zeros(100_000, np.float32))
    stream.abort()
    stream.abort()
    assert set(threading.enumerate()) <= attributes_before


def test_unknown_features_and_options_are_answered_with_the_nearest() -> None:
    with pytest.raises(AvcuesError, match='did you mean "emobase"'):
        registry.create("emobas")
    with pytest.raises(AvcuesError, match='did you mean "rate_hz"'):
        registry.create("emobase", {"rate_h": "8000"})
    with pytest.raises(AvcuesError, match="it has no options"):
        registry.create("color", {"bins": "8"})


def test_options_are_parsed_from_text() -> None:
    assert registry.create("emobase", {"rate_hz": "44100"}).settings.rate_hz == 44100
    assert registry.create("emobase", {"rate_hz": "native"}).settings.rate_hz == "native"
    assert registry.create("shots", {"threshold": "4.5", "detector": "content"}).settings.threshold == 4.5
