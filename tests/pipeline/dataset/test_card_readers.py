"""The data card as the libraries read it for which it is written: `datasets` and `mlcroissant`."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import datasets
import huggingface_hub
import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clips import Clip, click, steady_frames
from command import avcues
from finished_folders import make_dataset

TABLES = {"timeline": 125, "shots": None, "emobase": 125, "color": 125, "lighting": 125, "motion": None, "glow": 125}
"""Those of the finished folder, with the rows of window tables."""


@pytest.fixture(scope="module")
def shared(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as it would be shared: with a card, a report, a name with spaces, and a table that a video lacks."""
    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("shared") / "My features, part 2"))
    (folder / "motion" / "silent.parquet").unlink()
    (folder / "report").mkdir()
    (folder / "report" / "index.html").touch()
    done = avcues("describe", folder, "--card")
    assert done.returncode == 0, done.stderr
    return folder


def stored(folder: Path, table: str) -> pa.Table:
    paths = sorted((folder / table).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(path).replace_schema_metadata() for path in paths]).combine_chunks()


def loaded(folder: Path, table: str, cache: Path) -> pa.Table:
    rows = datasets.load_dataset(str(folder), table, split="train", cache_dir=str(cache))
    return rows.data.table.replace_schema_metadata().combine_chunks()


@pytest.mark.parametrize("table", TABLES)
def test_datasets_loads_every_table_as_it_is(table: str, shared: Path, tmp_path: Path) -> None:
    loaded_table, expected = loaded(shared, table, tmp_path), stored(shared, table)
    assert loaded_table.schema.equals(expected.schema)
    assert loaded_table.equals(expected)
    assert loaded_table.num_rows == (TABLES.get(table) or expected.num_rows) > 0


def test_tables_hold_what_readers_stumble_over(shared: Path) -> None:
    """Otherwise the tests of this module would show less than they seem to."""
    assert pq.read_metadata(shared / "motion" / "sound.parquet").num_rows == 0
    assert stored(shared, "glow_lines").num_rows == 0
    assert stored(shared, "emobase")["F0_sma_max"].null_count > 0
    assert stored(shared, "motion").schema.field("kind").type == pa.string()
    assert stored(shared, "glow").schema.field("any").type == pa.bool_()
    assert stored(shared, "glow")["lines[0]"].null_count > 0
    assert not (shared / "motion" / "silent.parquet").exists()


def test_the_hub_reads_the_head(shared: Path) -> None:
    head = huggingface_hub.DatasetCard.load(shared / "README.md").data.to_dict()
    assert head["pretty_name"] == "My features, part 2"
    assert (head["license"], head["license_name"]) == ("other", "audeering-research-license-opensmile")
    assert head["license_link"].startswith("https://")
    assert head["size_categories"] == ["n<1K"]
    assert {"video", "audio"} < set(head["tags"])
    configs = [config["config_name"] for config in head["configs"]]
    assert datasets.get_dataset_config_names(str(shared)) == configs
    assert set(configs) == set(TABLES)  # not glow_lines: `datasets` cannot load a table without a row


def test_videos_without_rows_and_videos_that_are_called_like_splits_are_loaded(tmp_path: Path) -> None:
    sound = Clip(sounds=[click(1.2, 0.5)]).write(tmp_path / "sound.mkv")
    flash = Clip(frames=steady_frames(2, flash=(0.4, 1.1))).write(tmp_path / "flash.mkv")
    videos = {"test": sound, "train-00000-of-00001": sound, "validation [1]": flash}
    folder = make_dataset(tmp_path / "split", videos, ("lighting",), plugins=True)
    assert avcues("describe", folder, "--card").returncode == 0
    rows = {"lighting": {"test": 3, "train-00000-of-00001": 3, "validation [1]": 4}}
    rows |= {"glow": rows["lighting"], "glow_lines": {"validation [1]": 2 * 48}, "shots": {"validation [1]": 3}}
    for table, of_videos in rows.items():
        loaded_table = loaded(folder, table, tmp_path / "cache")
        assert Counter(loaded_table["video_id"].to_pylist()) == of_videos
        assert loaded_table.equals(stored(folder, table))
    assert huggingface_hub.DatasetCard.load(folder / "README.md").data.license == "unknown"  # none is known


@pytest.fixture(scope="module")
def croissant(shared: Path) -> mlcroissant.Dataset:
    return mlcroissant.Dataset(jsonld=shared / "croissant.json")


def test_croissant_describes_files_tables_and_columns(croissant: mlcroissant.Dataset, shared: Path) -> None:
    assert not croissant.metadata.ctx.issues.errors
    sets = {record_set.name: record_set for record_set in croissant.metadata.record_sets}
    assert set(sets) == {*TABLES, "glow_lines"}
    for name, record_set in sets.items():
        schema = pq.read_schema(next((shared / name).iterdir()))
        assert [field.name for field in record_set.fields] == schema.names
    assert {files.includes[0] for files in croissant.metadata.file_sets} == {f"{name}/*.parquet" for name in sets}
    documents = json.loads((shared / "croissant.json").read_text())["recordSet"]
    (lighting,) = [document for document in documents if document["name"] == "lighting"]
    key = next(field for field in lighting["field"] if field["name"] == "lighting_key")
    assert key["dataType"] == "cr:Float32"
    assert key["description"].endswith("; 1; 0 to 0.32476")
    assert [part["@id"] for part in lighting["key"]] == ["lighting__video_id", "lighting__window"]


# mlcroissant takes a second for each row of emobase.
@pytest.mark.parametrize("table", [name for name in (*TABLES, "glow_lines") if name != "emobase"])
def test_croissant_gives_the_records_of_a_table(table: str, croissant: mlcroissant.Dataset, shared: Path) -> None:
    expected = stored(shared, table)
    (fields,) = [{f.id: f.name for f in s.fields} for s in croissant.metadata.record_sets if s.name == table]
    records = [{fields[field]: value for field, value in record.items()} for record in croissant.records(table)]
    for row in records:
        row.update({name: value.decode() for name, value in row.items() if isinstance(value, bytes)})
    assert pa.Table.from_pylist(records, expected.schema).equals(expected)
