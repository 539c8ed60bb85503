"""`avcues describe`: columns as text and JSON, and the data card."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command import avcues

from avcues.extractors import registry
from avcues.pipeline.dataset.card_files import write_card
from avcues.pipeline.dataset.catalog import read_catalog
from avcues.pipeline.dataset.data_card import _size_category
from avcues.pipeline.dataset.licences import SOFTWARE_LICENCES
from avcues.pipeline.dataset.validate import validate
from avcues.pipeline.errors import DatasetError, MediaError
from avcues.pipeline.store.parquet import write_table
from avcues.pipeline.store.records import VideoResult, failed_result, write_record
from avcues.pipeline.store.video_input import VideoInput


def describe(*arguments: object) -> subprocess.CompletedProcess[str]:
    return avcues("describe", *arguments)


def test_json_has_every_column_of_every_table(finished: Path) -> None:
    done = describe(finished, "--json")
    assert done.returncode == 0, done.stderr
    described = json.loads(done.stdout)
    listed = {(column["table"], column["name"]) for column in described["columns"]}
    expected = set()
    for table in described["tables"]:
        stored = pq.read_schema(finished / table["name"] / "vfr20.parquet").names
        expected |= {
            (table["name"], f"{table['name']}.{name}") for name in stored[6 if table["row"] == "shot" else 4 :]
        }
        assert table["videos"] == 5
    assert listed == expected
    for column in described["columns"]:
        assert column["unit"]
        assert column["meaning"]
        assert column["source"]
        assert "weights" in column
    (key,) = [column for column in described["columns"] if column["name"] == "lighting.lighting_key"]
    assert (key["low"], key["high"], key["type"]) == (0, pytest.approx(0.3248, abs=1e-4), "float")


def test_text_can_be_narrowed(finished: Path) -> None:
    text = describe(finished, "--tables", "glow,glow_lines").stdout
    for part in (
        "glow.lines[0]",
        "0 or more",
        "0 to 1",
        "A paper that nobody wrote",
        "threshold = 200",
        "one row per item",
    ):
        assert part in text
    assert "emobase" not in text
    assert describe(finished, "--columns", "emobase.F0_sma_m*").stdout.count("\nemobase.") == 4
    done = describe(finished, "--tables", "glwo")
    assert (done.returncode, done.stderr) == (2, 'avcues: there is no table "glwo"; did you mean "glow"?\n')


def test_weights_are_named_with_hash_and_licence(folder: Path, finished: Path) -> None:
    name, digest = "expressions/mini_xception", "5" * 64
    pinned = json.loads((folder / "dataset.json").read_text())
    pinned["recipes"]["glow"]["weights"] = {name: digest, "mine.pt": "6" * 64}
    (folder / "dataset.json").write_text(json.dumps(pinned))
    for table in ("glow", "glow_lines"):
        shutil.rmtree(folder / table)
        for path in (finished / table).iterdir():
            rewrite_recipe(path, folder / table / path.name, pinned["recipes"]["glow"])
    described = json.loads(describe(folder, "--json", "--tables", "glow").stdout)
    manifest_weights, user_weights = described["tables"][0]["weights"]
    assert (manifest_weights["name"], manifest_weights["sha256"], manifest_weights["licence"]) == (name, digest, "MIT")
    assert user_weights == {"name": "mine.pt", "sha256": "6" * 64}
    assert described["columns"][0]["weights"] == {name: digest, "mine.pt": "6" * 64}
    assert describe(folder, "--card").returncode == 0
    card = (folder / "README.md").read_text()
    assert f"| {name} | mini-XCEPTION trained on FER2013 (66 %) | MIT | `{digest}` |" in card
    assert "| mine.pt | a file of the user's own | unknown |" in card
    assert "Outputs of networks (glow, glow_lines)" in card


def rewrite_recipe(source: Path, target: Path, recipe: dict) -> None:
    metadata = json.loads(pq.read_metadata(source).metadata[b"avcues"]) | {"recipe": recipe}
    write_table(pq.read_table(source).replace_schema_metadata({b"avcues": json.dumps(metadata)}), target)


@pytest.fixture
def card(folder: Path) -> str:
    (folder / "motion" / "silent.parquet").unlink()
    (folder / "glow" / "vfr20.parquet").write_bytes(b"PAR1 no more")
    lost = failed_result(VideoInput("lost", "lost.mp4"), MediaError("lost.mp4: is empty"))
    damaged = VideoResult(
        video_id="007",
        source="tiny4.mp4",
        state="done",
        damage={"video_packets_missing": 3},
        left_out={"objects": "no weights"},
    )
    for result in (lost, damaged):
        write_record(result, folder)
    done = describe(folder, "--card")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(folder / "README.md"), str(folder / "croissant.json")]
    return (folder / "README.md").read_text()


def test_a_card_says_what_there_is_and_what_is_not(card: str) -> None:
    for part in (
        "# Data card: features",
        "5 videos, 0.02 hours, 125 windows of 0.5 s, ",
        "With a picture: 4; with sound: 4.",
        "| `emobase` | window | 5 | 125 | 988 | 32.8% |",
        "| `color` | window | 5 | 125 | 75 | 8.8% |",
        "| `glow` | window | 4 | 85 | 3 | 12.9% |",
        "- lost: lost.mp4: is empty",
        "- silent: motion",
        "- 007: 3 video packets missing",
        "- objects",
        "- glow/vfr20.parquet",
        "- `emobase`: openSMILE: audEERING's research licence, non-commercial",
        "shadow_threshold = 0.18 | Rasheed",
        "- opensmile: ",
        "- on cpu, fp32: ",
        "split training and test sets by video",
    ):
        assert part in card, part


def test_a_card_is_the_same_for_the_same_files(folder: Path, tmp_path: Path) -> None:
    write_card(read_catalog(folder))
    copy = tmp_path / "elsewhere" / "features"
    shutil.copytree(folder, copy)
    write_card(read_catalog(copy))
    for name in ("README.md", "croissant.json"):
        assert (copy / name).read_bytes() == (folder / name).read_bytes()
    assert "Nothing: every video has every table" in (copy / "README.md").read_text()


@pytest.mark.parametrize(
    ("windows", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**12 - 1, "100B<n<1T"), (10**12, "n>1T")],
)
def test_a_size_is_named_as_the_hub_does(windows: int, category: str) -> None:
    assert _size_category(windows) == category


@pytest.mark.parametrize("name", ["README.md", "croissant.json"])
def test_a_card_replaces_only_what_avcues_wrote(folder: Path, name: str) -> None:
    user_weights = folder / name
    user_weights.write_text("my own")
    done = describe(folder, "--card")
    assert done.returncode == 2
    assert done.stderr.startswith(f"avcues: {user_weights}: was not written by avcues describe --card")
    assert user_weights.read_text() == "my own"
    assert {path.name for path in folder.glob("*.*")} == {"dataset.json", name}
    user_weights.unlink()
    write_card(read_catalog(folder))
    (folder / "glow" / "vfr20.parquet").unlink()
    write_card(read_catalog(folder))
    assert "- vfr20: glow" in (folder / "README.md").read_text()
    with user_weights.open("a") as file:
        file.write("\nMy note.\n")
    with pytest.raises(DatasetError, match="edited since"):
        write_card(read_catalog(folder))
    assert user_weights.read_text().endswith("My note.\n")


def test_features_made_with_opensmile_or_ultralytics_state_its_licence() -> None:
    bound = {"opensmile": "openSMILE", "ultralytics-opencv-headless": "Ultralytics"}
    made_with = {name: bound.keys() & set(registry.create(name).libraries) for name in registry.names()}
    assert made_with["egemaps"] == {"opensmile"}
    for name, libraries in made_with.items():
        assert [bound[library] for library in libraries] == [
            licence.partition(":")[0] for licence in [SOFTWARE_LICENCES.get(name)] if licence
        ]


def test_a_card_does_not_spoil_the_folder(folder: Path) -> None:
    write_card(read_catalog(folder))
    assert validate(folder).breaches == []
