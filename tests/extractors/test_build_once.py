"""Folders of the user's cache that are damaged after they were made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from avcues.extractors.build_once import build_once
from avcues.extractors.openvino_import import openvino
from avcues.extractors.openvino_network import cached_model


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def fill(folder: Path) -> None:
    (folder / "network.bin").write_bytes(b"numbers")


@pytest.mark.parametrize("damage", [b"\0" * 7, b"numb", b"", None], ids=["zeros", "cut short", "empty", "removed"])
def test_a_damaged_folder_is_filled_anew(damage: bytes | None) -> None:
    path = build_once("network", fill) / "network.bin"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    build_once("network", fill)
    assert path.read_bytes() == b"numbers"


@pytest.mark.parametrize(
    "hashes",
    ["[" * 100_000 + "]" * 100_000, "[]", "{}", "1", "null", '{"network.bin": NaN}', '{"\\u0000": "0"}', None],
    ids=["deep", "list", "no hashes", "number", "null", "NaN", "zero byte", "pipe"],
)
def test_a_folder_with_forged_hashes_is_filled_anew(hashes: str | None) -> None:
    path = build_once("network", fill) / "network.bin"
    path.write_bytes(b"forged.")
    file = path.with_name(".sha256.json")
    file.unlink()
    if hashes is None:
        os.mkfifo(file)
    else:
        file.write_text(hashes)
    build_once("network", fill)
    assert path.read_bytes() == b"numbers"


def test_an_intact_folder_is_kept() -> None:
    build_once("network", fill)
    build_once("network", lambda folder: pytest.fail("made a second time"))


def test_a_model_is_used_although_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def save_model(*arguments: object, **options: object) -> None:
        raise RuntimeError("basic_ios::clear: iostream error")  # as OpenVINO on a full disk

    monkeypatch.setattr(openvino(), "save_model", save_model)
    model = object()
    assert cached_model("network", lambda: model) is model
