"""Copies under another name are found, be they remuxed, encoded again or trimmed; what is merely alike is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from clips import extract, start_dataset
from ffmpeg import ffmpeg
from planted import latents

from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import LeakError
from avcues.pipeline.prediction.folder import plan_predictions
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.training import TrainingSettings, prepare, train
from avcues.pipeline.training.copies import Copies, find_copies, probe_table, probes_from_table, probes_of, read_traces

FEATURES = ("emobase", "color")
MUVI = Path(__file__).resolve().parents[4] / "shared" / "muvi" / "emobase.parquet"
SMALLER = ("-vf", "scale=320:-2", "-crf", "30", "-c:a", "aac", "-b:a", "96k")


@pytest.fixture(scope="module")
def copied(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pieces of a film, three copies of the first, and two clips that are black and silent."""
    place, film = tmp_path_factory.mktemp("copies"), str(media("real60.mp4"))
    clips = {}
    for i, begin in enumerate((0, 14, 28, 42)):
        piece = ("-ss", str(begin), "-i", film, "-t", "14", "-vf", "scale=400:-2", "-crf", "20", "-c:a", "aac")
        clips[f"piece{i}"] = ffmpeg(*piece, out=place / f"piece{i}.mp4")
    first = str(clips["piece0"])
    clips["remuxed"] = ffmpeg("-i", first, "-c", "copy", out=place / "remuxed.mkv")
    clips["again"] = ffmpeg("-i", first, *SMALLER, out=place / "again.mp4")
    clips["trimmed"] = ffmpeg("-ss", "3.3", "-i", first, *SMALLER, "-af", "volume=0.7", out=place / "trimmed.mp4")
    for name, seconds in (("black", 10), ("night", 14)):
        black = ("-f", "lavfi", "-i", f"color=black:s=320x240:d={seconds}", "-f", "lavfi", "-i", "anullsrc")
        clips[name] = ffmpeg(*black, "-t", str(seconds), "-c:a", "aac", out=place / f"{name}.mp4")
    start_dataset(place / "features", Settings(features=FEATURES))
    for clip in clips.values():
        extract(clip, place / "features", features=FEATURES)
    return place


def pairs(copies: Copies) -> dict[str, set[frozenset[str]]]:
    return {"equal": {frozenset(p[:2]) for p in copies.exact}, "near": {frozenset(p[:2]) for p in copies.similar}}


def test_remuxed_encoded_again_and_trimmed_copies_are_found_and_nothing_else(copied: Path) -> None:
    traces = read_traces(open_dataset(str(copied / "features")))
    pairs_of_copies = pairs(find_copies(probes_of(traces), traces))
    assert {frozenset(("piece0", name)) for name in ("remuxed", "again", "trimmed")} <= pairs_of_copies[
        "equal"
    ] | pairs_of_copies["near"]
    assert not [
        pair
        for pair in pairs_of_copies["equal"] | pairs_of_copies["near"]
        if pair - {"piece0", "remuxed", "again", "trimmed"}
    ]
    assert frozenset(("piece0", "remuxed")) in pairs_of_copies["equal"]
    sound = {"sound": traces["sound"]}  # without the picture
    of_sound = pairs(find_copies(probes_of(sound), sound))
    assert {frozenset(("piece0", name)) for name in ("remuxed", "again")} <= of_sound["equal"] | of_sound["near"]


def test_probes_are_saved_exactly(copied: Path) -> None:
    probes = probes_of(read_traces(open_dataset(str(copied / "features"))))
    second = probes_from_table(probe_table(probes))
    for modality, of_modality in probes.items():
        for video_id, probe in of_modality.items():
            np.testing.assert_array_equal(second[modality][video_id].rows, probe.rows)
            np.testing.assert_array_equal(second[modality][video_id].windows, probe.windows)
    assert "black" not in probes["picture"]
    assert "night" not in probes["sound"]


@pytest.mark.skipif(not MUVI.is_file(), reason="the study's sound is not at hand")
def test_no_two_of_81_songs_are_taken_for_copies() -> None:
    table = pq.read_table(MUVI)
    mfcc = [name for name in table.column_names if name.startswith("mfcc_sma[") and name.endswith("_amean")]
    names = ["pcm_loudness_sma_amean", *mfcc]
    values = np.column_stack([table[name].to_numpy() for name in names]).astype(np.float32)
    ids = np.array(table["video_id"].to_pylist())
    songs = {video_id: values[ids == video_id] for video_id in dict.fromkeys(ids)}
    assert find_copies(probes_of({"sound": songs}), {"sound": songs}) == Copies()
    # The last two thirds of each, with noise, under another name.
    random = np.random.default_rng(0)
    cut = {f"{v} cut": s[40:] + 0.05 * s.std(axis=0) * random.normal(size=s[40:].shape) for v, s in songs.items()}
    copies = find_copies(probes_of({"sound": songs}), {"sound": {v: s.astype(np.float32) for v, s in cut.items()}})
    right = [
        pair for pair in (*copies.exact, *copies.similar) if pair.second == f"{pair.first} cut" and pair.offset == -40
    ]
    assert len(right) >= 0.97 * len(songs)
    assert len(copies.similar) == len(right)


def test_videos_of_one_studio_are_not_taken_for_copies() -> None:
    """The picture is the same room, with people who move in their own ways: 300 pairs."""
    random = np.random.default_rng(0)
    room = random.normal(0, 3, 40)
    videos = {
        f"v{i}": room + 0.3 * np.stack([latents(random, 1, 100)[0] for _ in range(40)], axis=1) for i in range(25)
    }
    traces = {"picture": {video_id: values.astype(np.float32) for video_id, values in videos.items()}}
    assert len(probes_of(traces)["picture"]) == 25
    assert find_copies(probes_of(traces), traces) == Copies()


def labels(place: Path, videos: list[str]) -> Path:
    path = place / "labels.csv"
    path.write_text("video_id,liking\n" + "".join(f"{v},{(i % 3 - 1) / 2}\n" for i, v in enumerate(videos)))
    return path


SETTINGS = TrainingSettings(model="lasso", visual=("color",), folds=3)


def test_training_refuses_a_remuxed_copy_and_warns_of_others(copied: Path, tmp_path: Path) -> None:
    features = str(copied / "features")
    pieces = ["piece0", "piece1", "piece2", "piece3"]
    with pytest.raises(
        LeakError, match=r"piece0 and remuxed \(100% of the picture\) are the same video under two names"
    ):
        prepare(features, labels(tmp_path, [*pieces, "remuxed"]), SETTINGS)
    with_copies = labels(tmp_path, [*pieces, "remuxed", "again"])
    together = prepare(features, with_copies, SETTINGS, groups=dict.fromkeys(("piece0", "remuxed", "again"), "one"))
    assert not any("look like copies" in note for note in together.notes)
    study = prepare(features, labels(tmp_path, [*pieces, "again", "trimmed"]), SETTINGS)
    (note,) = [note for note in study.notes if "look like copies" in note]
    assert "again" in note
    assert "trimmed" in note


def test_predict_tells_copies_of_training_videos(copied: Path, tmp_path: Path) -> None:
    study = prepare(str(copied / "features"), labels(tmp_path, ["piece0", "piece1", "piece2", "piece3"]), SETTINGS)
    train(study, tmp_path / "model")
    plan = plan_predictions(tmp_path / "model", str(copied / "features"), tmp_path / "p.parquet")
    (note,) = [note for note in plan.notes if "copies" in note]
    assert note.startswith("3 of these videos look like copies of training videos under another name: ")
    assert "piece0 and remuxed" in note
