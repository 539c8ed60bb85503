"""Files that are not the network they should be are a `WeightsError` that names the file."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from avcues.extractors.networks import fer, i3d_resnet, inception_i3d, places
from avcues.models_cache import WeightsError


def torch_file(content: object) -> Callable[[Path], object]:
    return lambda path: torch.save(content, path)


def pickle_file(content: object) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(pickle.dumps(content))


def keras_file(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["model_weights/conv2d_1/conv2d_1/kernel:0"] = np.zeros((3, 3, 1, 8), np.float32)


@pytest.mark.parametrize(
    ("load", "name", "write"),
    [
        (fer.load_vgg19, "a.t7", torch_file({"epoch": 3})),
        (fer.load_vgg19, "a.t7", torch_file([1, 2])),
        (fer.load_mini_xception, "a.hdf5", keras_file),
        (i3d_resnet.load, "a.pyth", torch_file({})),
        (places.load_resnet50, "a.tar", torch_file({"weights": torch.zeros(3)})),
        (places.load_resnet50, "a.tar", torch_file({"state_dict": {"conv1.weight": torch.zeros(3)}})),
        (places.load_squeezenet, "a.safetensors", lambda path: save_file({"c1.conv.weight": torch.zeros(3)}, path)),
        (inception_i3d.load, "a.pt", torch_file({"conv3d_1a_7x7.conv3d.weight": torch.zeros(3)})),
        (inception_i3d.load, "a.ckpt", pickle_file({"params": {}})),
        (inception_i3d.load, "a.ckpt", pickle_file({"params": {}, "batch_stats": {}})),
    ],
)
def test_a_file_of_another_network_is_named(
    load: Callable[[Path], object], name: str, write: Callable[[Path], object], tmp_path: Path
) -> None:
    write(tmp_path / name)
    with pytest.raises(WeightsError, match=f"{name}: does not fit the network"):
        load(tmp_path / name)
