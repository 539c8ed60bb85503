"""`avcues annotations ...`, run as a user runs it, and the same from Python."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import avcues
from pyarrow import csv
from studies import copy_of_muvi, delayed, like_muvi, of_matrix, tidy

from avcues.pipeline import annotations
from avcues.pipeline.annotations import FeatureValues, Recipe, example, gold, import_tidy, read
from avcues.pipeline.annotations.ratings import files as rating_files
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.dataset.opening import open_dataset


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up study, as its command writes it."""
    folder = tmp_path_factory.mktemp("study") / "ann"
    done = avcues("annotations", "example", "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_example_has_raters_setups_and_dimensions_of_every_kind(study: Path) -> None:
    rated = read(study)
    assert rated.setups == ("music", "visual", "audiovisual")
    assert {name: one.level for name, one in rated.dimensions.items()} == {
        "arousal": "interval",
        "valence": "interval",
        "liking": "ordinal",
        "mood": "nominal",
    }
    assert (len(rated.videos), len(rated.rater_ids), rated.raters.num_columns) == (12, 6, 4)
    assert rated.ratings.equals(example().ratings)


def test_a_study_goes_from_check_to_perspectives(study: Path, tmp_path: Path) -> None:
    done = avcues("annotations", "check", study)
    assert done.returncode == 0, done.stdout
    assert "left out: 2 constant series (r6 clip01 visual arousal, r6 clip01 visual valence)" in done.stdout
    assert "0 problems" in done.stdout
    done = avcues("annotations", "gold", study, "--out", tmp_path / "gold", "--delay", "1")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "gold").iterdir()) == [
        "audiovisual.parquet",
        "music.parquet",
        "visual.parquet",
    ]
    table = pq.read_table(tmp_path / "gold" / "music.parquet")
    assert table.equals(gold(read(study), Recipe(delay=1.0)).tables["music"])
    assert "weights of liking fitted on all 12 videos" in done.stderr
    options = ("--dimensions", "arousal,valence")
    done = avcues("annotations", "gold", study, "--out", tmp_path / "continuous", *options)
    assert done.returncode == 0, done.stderr
    about = annotations.read_labels_metadata(tmp_path / "continuous" / "music.parquet")
    assert about is not None
    assert ([one["name"] for one in about["targets"]], about["fitted_on"]) == (["arousal", "valence"], {})
    done = avcues("annotations", "agreement", study, "--out", tmp_path / "agreement.md", "--bootstrap", "50")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "agreement.json").read_text())["bootstrap"] == {"replicates": 50, "seed": 0}
    options = ("--dimension", "liking", "--against", "audiovisual", "--out", tmp_path / "p.md")
    done = avcues("annotations", "perspectives", study, *options)
    assert done.returncode == 0, done.stderr
    done = avcues("annotations", "soft", study, "--dimensions", "liking,mood", "--out", tmp_path / "soft")
    assert done.returncode == 0, done.stderr
    assert "mood=calm" in pq.read_schema(tmp_path / "soft" / "visual.parquet").names


def test_the_published_study_raises_the_alarm_and_the_corrected_one_does_not(tmp_path: Path) -> None:
    folder = copy_of_muvi(tmp_path / "muvi")
    done = avcues("annotations", "import", "muvi", folder, "--out", tmp_path / "ann")
    assert done.returncode == 0
    assert "MOVED UP by one row within each rater (49 of 49 raters" in done.stderr
    assert avcues("annotations", "check", tmp_path / "ann").returncode == 0
    done = avcues("annotations", "import", "muvi", folder, "--out", tmp_path / "raw", "--static-rows", "as-published")
    assert done.returncode == 0
    done = avcues("annotations", "check", tmp_path / "raw", "--json")
    assert done.returncode == 1
    (document,) = json.loads(done.stdout)["alignments"]
    assert set(document["best"].values()) == {-1}
    assert len(document["best"]) == 49


def test_the_published_chi_squares_come_out_of_the_commands(tmp_path: Path) -> None:
    folder, ann, out = copy_of_muvi(tmp_path / "MuVi"), tmp_path / "ann", tmp_path / "agreement.md"
    done = avcues("annotations", "import", "muvi", folder, "--out", ann, "--static-rows", "as-published")
    assert done.returncode == 0, done.stderr
    by = [word for name in ("gender", "years_formal_training>3", "seen") for word in ("--by", name)]
    done = avcues("annotations", "agreement", ann, "--out", out, "--bootstrap", "50", *by)
    assert done.returncode == 0, done.stderr
    for row in ("gender | 46.36 | 26 | .008", "years_formal_training > 3 | 93.43 | 26", "seen | 263.26 | 26"):
        assert f"\n| {row} |" in out.read_text()
    (labels,) = json.loads(out.with_suffix(".json").read_text())["labels"]
    unique = {name: round(row["unique_labels_per_stimulus"], 2) for name, row in labels["by_setup"].items()}
    assert unique == {"all setups": 15.83, "music": 15.36, "audiovisual": 16.56, "visual": 15.57}


def test_a_study_of_labels_only_gives_soft_labels_and_says_so(tmp_path: Path) -> None:
    folder, ann = copy_of_muvi(tmp_path / "MuVi"), tmp_path / "ann"
    assert avcues("annotations", "import", "muvi", folder, "--out", ann).returncode == 0
    done = avcues("annotations", "gold", ann, "--out", tmp_path / "gold")
    assert done.returncode == 2
    assert "only in labels (gems); make soft labels: avcues annotations soft" in done.stderr
    done = avcues("annotations", "soft", ann, "--out", tmp_path / "soft")
    assert done.returncode == 0, done.stderr
    shares = pq.read_table(tmp_path / "soft" / "music.parquet")
    assert shares.num_rows == 81
    assert sum(name.startswith("gems=") for name in shares.column_names) == 27


def test_an_option_overrides_one_choice_of_a_protocol(tmp_path: Path) -> None:
    ann = tmp_path / "ann"
    folder = like_muvi(tmp_path / "muvi")
    options = ("--protocol", "muvi", "--weights", "others", "--windows", "100")
    assert avcues("annotations", "import", "muvi", folder, "--out", ann).returncode == 0
    assert avcues("annotations", "gold", ann, "--out", tmp_path / "gold", *options).returncode == 0
    about = annotations.read_labels_metadata(tmp_path / "gold" / "music.parquet")
    assert about is not None
    recipe = about["recipe"]
    assert (recipe["weights"], recipe["windows"], recipe["whole_clips"]) == ("others", 100, True)
    done = avcues("annotations", "agreement", ann, "--out", tmp_path / "a.md", "--protocol", "muvi", "--bootstrap", "0")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "a.json").read_text())
    assert (document["weights"], document["windows"], document["whole_clips"]) == ("all", 118, True)


def test_a_study_with_series_is_imported_and_combined_by_its_protocol(tmp_path: Path) -> None:
    folder = like_muvi(tmp_path / "muvi")
    done = avcues("annotations", "import", "muvi", folder, "--out", tmp_path / "ann", "--static-rows", "as-published")
    assert done.returncode == 0, done.stderr
    done = avcues("annotations", "gold", tmp_path / "ann", "--out", tmp_path / "gold", "--protocol", "muvi")
    assert done.returncode == 0, done.stderr
    about = json.loads(pq.read_metadata(tmp_path / "gold" / "visual.parquet").metadata[b"avcues"])
    assert (about["recipe"]["weights"], about["recipe"]["windows"]) == ("all", 118)
    assert about["ratings"]["importer"] == "muvi"


def test_tidy_and_wide_files_are_imported(tmp_path: Path) -> None:
    file, out = tmp_path / "ratings.csv", ("--out", tmp_path / "ann")
    file.write_text("rater,video_id,setup,dimension,time,value\na,v,music,valence,0,2\nb,v,music,valence,0,3\n")
    options = ("--range", "valence=1,5", "--level", "valence=ordinal")
    done = avcues("annotations", "import", "tidy", file, *out, *options)
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "ann").dimensions["valence"] == Dimension(name="valence", level="ordinal", low=1, high=5)
    done = avcues("annotations", "import", "tidy", file, *out, "--range", "-1,1", "--overwrite")
    assert done.returncode == 2
    assert done.stderr == f"avcues: {file}: row 1: valence is 2; expected -1 to 1\n"
    (tmp_path / "clip.csv").write_text("time,a,b\n0,0.1,0.2\n0.5,0.2,0.3\n")
    options = ("--dimension", "valence", "--setup", "music")
    done = avcues("annotations", "import", "wide", tmp_path / "clip.csv", "--out", tmp_path / "wide", *options)
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "wide").rater_ids == ("a", "b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "nowhere: has no ratings.parquet; expected a folder made by avcues annotations import"),
        (["gold", "ANN", "--out", "x", "--delay", "soon"], "--delay soon: expected seconds, or auto"),
        (
            ["gold", "ANN", "--out", "x", "--delay", "auto"],
            "the delay auto is estimated from features of training videos",
        ),
        (
            ["gold", "ANN", "--out", "x", "--smooth", "mean:3"],
            '"mean:3" is not a filter; expected savgol:WINDOWS:ORDER',
        ),
        (["gold", "ANN", "--out", "x", "--step", "0"], "--step 0: expected seconds, more than 0"),
        (
            ["gold", "ANN", "--out", "x", "--training-videos", "none.txt"],
            "none.txt: cannot be read as a list of video ids",
        ),
        (["agreement", "ANN", "--out", "x.html"], "--out x.html: expected NAME.md; the numbers go to NAME.json"),
        (["agreement", "ANN", "--out", "x.md", "--by", "height"], 'no column "height" to compare by'),
        (
            ["perspectives", "ANN", "--out", "x.md", "--dimension", "mood", "--against", "music"],
            "mood is rated in labels",
        ),
        (
            ["import", "tidy", "x.csv", "--out", "y", "--range", "low"],
            "--range low: expected LOW,HIGH or NAME=LOW,HIGH",
        ),
        (["import", "tidy", "x.csv", "--out", "y"], "x.csv: no such file"),
        (["import", "muvi", "nowhere", "--out", "y"], "nowhere/video_urls.csv: no such file"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], message: str, study: Path) -> None:
    done = avcues("annotations", *(study if one == "ANN" else one for one in arguments))
    assert done.returncode == 2
    assert done.stderr.startswith(f"avcues: {message}")
    assert done.stderr.count("\n") == 1


def test_the_videos_of_a_folder_are_rated_and_their_delays_estimated(finished: Path, tmp_path: Path) -> None:
    done = avcues("annotations", "example", "--features", finished, "--out", tmp_path / "ann")
    assert done.returncode == 0, done.stderr
    lengths = open_dataset(finished).lengths
    rated = read(tmp_path / "ann")
    assert rated.videos == tuple(sorted(lengths))
    done = avcues("annotations", "gold", tmp_path / "ann", "--out", tmp_path / "gold")
    assert done.returncode == 0, done.stderr
    train = tmp_path / "train.parquet"
    done = avcues(
        "align", finished, "--out", train, "--tables", "color", "--labels", tmp_path / "gold" / "music.parquet"
    )
    assert done.returncode == 0, done.stderr
    table = pq.read_table(train)
    assert table["target__valence"].null_count == 0
    assert len(table) == sum(lengths.values())


def test_features_of_a_folder_are_numbers_of_windows(finished: Path) -> None:
    values = FeatureValues(open_dataset(finished, tables=["color", "lighting"]))
    assert set(values) == set(open_dataset(finished).videos)
    assert values["vfr20"].shape == (open_dataset(finished).lengths["vfr20"], 78)
    assert np.isnan(values["sound"]).all()


def test_lags_are_estimated_per_fold_from_python() -> None:
    rated, features = delayed([0, 2, 5], 0.1)
    videos = sorted(features)
    for held_out in (videos[:3], videos[3:]):
        training = [video for video in videos if video not in held_out]
        features.read.clear()
        labels = gold(rated, Recipe(delay="auto"), training_videos=training, features=features)
        assert not features.read & set(held_out)
        about = annotations.read_labels_metadata(labels.tables["music"])
        assert about is not None
        assert not set(held_out) & set().union(*about["fitted_on"].values())


def test_ratings_are_not_replaced_without_a_word(tmp_path: Path) -> None:
    table = tidy(time=[0.0, 0.5], value=[0.1, 0.2])
    csv.write_csv(table, tmp_path / "r1.csv")
    csv.write_csv(tidy(rater="r2", setup="visual", time=[0.0, 0.5], value=[0.3, 0.4]), tmp_path / "r2.csv")
    out = ("--out", tmp_path / "ann", "--range=-1,1")
    assert avcues("annotations", "import", "tidy", tmp_path / "r1.csv", *out).returncode == 0
    done = avcues("annotations", "import", "tidy", tmp_path / "r2.csv", *out)
    assert (done.returncode, read(tmp_path / "ann").rater_ids) == (2, ("r1",))
    assert "ann: already has ratings; --add adds to them, --overwrite replaces them" in done.stderr
    done = avcues("annotations", "import", "tidy", tmp_path / "r2.csv", *out, "--add")
    both = read(tmp_path / "ann")
    assert (both.rater_ids, both.setups, len(both.ratings)) == (("r1", "r2"), ("music", "visual"), 4)
    assert [one["files"] for one in both.origin["imports"]] == [["r1.csv"], ["r2.csv"]]
    done = avcues("annotations", "import", "tidy", tmp_path / "r2.csv", *out, "--add")
    assert "are the same rating (r2, v1, visual, valence, 0.0)" in done.stderr
    done = avcues("annotations", "import", "tidy", tmp_path / "r2.csv", "--out", tmp_path / "ann", "--add")
    assert "valence has one scale in the ratings that exist (interval, -1 to 1)" in done.stderr
    assert avcues("annotations", "import", "tidy", tmp_path / "r2.csv", *out, "--overwrite").returncode == 0
    assert read(tmp_path / "ann").rater_ids == ("r2",)


def test_what_is_left_out_and_what_is_missing_is_said_on_screen(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = [of_matrix(rng.normal(size=(3, 60)), setup=setup, video_id=f"v{i}") for setup in ("a", "b") for i in (1, 2)]
    untouched = of_matrix(np.full((1, 60), 0.5), setup="a", video_id="v3")
    rating_files.write(import_tidy(pa.concat_tables([*parts, untouched])), tmp_path / "ann")
    for command in (["agreement"], ["perspectives", "--dimension", "valence", "--against", "b"]):
        done = avcues("annotations", command[0], tmp_path / "ann", "--out", tmp_path / "x.md", *command[1:])
        assert "left out: 1 constant series (r0 v3 a valence); --keep-constant keeps them" in done.stderr
    assert "no polarity: the range of valence is not known" in done.stderr
    assert "no label agreement: nothing is rated in labels" in done.stderr


def test_the_examples_of_docstrings_are_true() -> None:
    modules = pkgutil.walk_packages(annotations.__path__, f"{annotations.__name__}.")
    names = [annotations.__name__, *(module.name for module in modules)]
    results = [doctest.testmod(importlib.import_module(name)) for name in names]
    assert sum(one.attempted for one in results) > 10
    assert sum(one.failed for one in results) == 0
