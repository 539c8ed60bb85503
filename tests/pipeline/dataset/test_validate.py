"""`avcues validate` names each breach."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finished_folders import make_dataset

from avcues.pipeline.dataset.validate import validate
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.parquet import write_table


@pytest.fixture(scope="module")
def finished(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    videos = {"clip": media("vfr20.mp4")}
    return make_dataset(tmp_path_factory.mktemp("finished"), videos, ("color", "lighting"))


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def rewrite(folder: Path, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
    path = folder / table / "clip.parquet"
    changed = change(pq.read_table(path))
    write_table(changed.replace_schema_metadata(pq.read_metadata(path).metadata), path)


def set_value(name: str, row: int, value: object) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        values[row] = value
        column = pa.array(values, table.schema.field(name).type)
        return table.set_column(table.column_names.index(name), name, column)

    return change


def test_a_finished_folder_is_sound(folder: Path) -> None:
    summary = validate(folder)
    assert (summary.videos, summary.tables, summary.breaches) == (1, 4, [])


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("color", lambda t: t.slice(1), "timeline has 40 windows"),
        ("color", lambda t: t.take(pa.array([1, 0, *range(2, 40)])), "out of order"),
        ("color", set_value("hue_000", 3, float("nan")), "hue_000: holds NaN"),
        ("color", set_value("value_mean", 3, float("inf")), "value_mean: holds NaN or infinity"),
        ("color", set_value("hue_050", 3, 0.9), "sum to"),
        ("color", set_value("saturation_mean", 3, 1.5), "above the largest possible value"),
        ("color", set_value("video_id", 3, "other"), "rows of other videos"),
        ("color", set_value("start", 3, 1.4), "start and end"),
        ("color", lambda t: t.drop_columns(["hue_350"]), "columns differ from those"),
        ("shots", set_value("end", 0, 5.5), "do not partition"),
        ("shots", set_value("first_window", 1, 3), "timeline gives it"),
        ("timeline", set_value("shot", 4, None), "without a shot"),
        ("timeline", set_value("audio_coverage", 4, -0.5), "below the smallest"),
    ],
)
def test_each_breach_is_named(folder: Path, table: str, change: Callable[[pa.Table], pa.Table], message: str) -> None:
    rewrite(folder, table, change)
    assert any(message in breach and "clip.parquet" in breach for breach in validate(folder).breaches)


def test_missing_broken_foreign_and_left_over_files_are_named(folder: Path) -> None:
    (folder / "color" / "clip.parquet").unlink()
    (folder / "lighting" / "clip.parquet").write_bytes(b"PAR1 no more")
    (folder / "color" / ".clip.parquet.12ab.tmp").touch()
    breaches = "\n".join(validate(folder).breaches)
    assert "color/clip.parquet: missing" in breaches
    assert "lighting/clip.parquet: unreadable" in breaches
    assert ".tmp: left behind by a killed run" in breaches


def test_a_damaged_page_a_foreign_file_and_a_foreign_folder_are_named(folder: Path) -> None:
    path = folder / "color" / "clip.parquet"
    data = bytearray(path.read_bytes())
    data[200:1200] = bytes(1000)
    path.write_bytes(data)
    rewrite(folder, "lighting", lambda table: table)
    other_table = folder / "lighting" / "clip.parquet"
    metadata = pq.read_metadata(other_table).metadata[b"avcues"].replace(b'"fingerprint": "', b'"fingerprint": "0')
    write_table(pq.read_table(other_table).replace_schema_metadata({b"avcues": metadata}), other_table)
    (folder / "emobase").mkdir()
    breaches = "\n".join(validate(folder).breaches)
    assert "color/clip.parquet: cannot be read" in breaches
    assert "lighting/clip.parquet: made from another file than timeline" in breaches
    assert "emobase: is not a table of this dataset" in breaches


def test_a_table_of_another_recipe_is_named(folder: Path) -> None:
    path = folder / "dataset.json"
    path.write_text(path.read_text().replace('"shadow_threshold": 0.18', '"shadow_threshold": 0.25'))
    assert any("but dataset.json has" in breach for breach in validate(folder).breaches)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"has no dataset\.json"):
        validate(tmp_path)
