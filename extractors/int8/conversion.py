"""Converts the layers of an int8 table to 8 bits in an OpenVINO model."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from avcues.extractors.int8.rounding import round_weights
from avcues.extractors.int8.table import Int8Table
from avcues.extractors.openvino_import import openvino, operations

_LEVELS = 256
_RANGE_PRESERVING = ("Pad", "MaxPool", "Concat")  # operations whose outputs lie within the range of their inputs


def to_int8(model: Any, network: nn.Module, table: Int8Table) -> None:
    """Changes the model in place: inputs of the table's layers are rounded to 256 levels, and their weights to 8 bits.

    Args:
        model: The network as an OpenVINO model.
        network: The same network in torch; its modules have the names of the table's layers.
        table: The layers to convert.
    """
    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    rounded_inputs: set[str] = set()
    for name, layer in table.layers.items():
        weight = network.get_submodule(name).weight.detach().numpy()  # type: ignore[operator]
        node = _find_convolution(convolutions, weight, name)
        for source in _inputs_before_pooling(node.input_value(0)):
            if source.get_node().get_friendly_name() not in rounded_inputs:
                rounded_inputs.add(source.get_node().get_friendly_name())
                _round_to_levels(source, layer.max_input)
        node.input(1).replace_source_output(_constant(*round_weights(weight, layer.means)))
    model.validate_nodes_and_infer_types()


def _find_convolution(convolutions: list[Any], weight: npt.NDArray[np.float32], name: str) -> Any:
    """The convolution with this weight; names and order differ between versions of torch."""
    for node in convolutions:
        constant = node.input_value(1).get_node()
        if constant.get_type_name() == "Constant" and np.array_equal(constant.data, weight):
            return node
    raise ValueError(f"the network that OpenVINO converted has no layer {name}")


def _inputs_before_pooling(output: Any) -> list[Any]:
    """The outputs that feed an operation, before padding, pooling and concatenation: ReLUs or the model's input."""
    node = output.get_node()
    if node.get_type_name() not in _RANGE_PRESERVING:
        return [output]
    inputs = node.input_values() if node.get_type_name() == "Concat" else [node.input_value(0)]
    return [source for value in inputs for source in _inputs_before_pooling(value)]


def _round_to_levels(output: Any, max_input: float) -> None:
    consumers = list(output.get_target_inputs())
    low, high = np.float32(0), np.float32(max_input)
    levels = operations().fake_quantize(output, low, high, low, high, _LEVELS)
    levels.set_friendly_name(f"{output.get_node().get_friendly_name()}/levels")
    for consumer in consumers:
        consumer.replace_source_output(levels.output(0))


def _constant(integers: npt.NDArray[np.int8], scale: npt.NDArray[np.float32]) -> Any:
    ops = operations()
    shape = (-1, *[1] * (integers.ndim - 1))
    as_float = ops.convert(ops.constant(integers, dtype=np.int8), openvino().Type.f32.to_string())
    return ops.multiply(as_float, ops.constant(scale.reshape(shape))).output(0)
