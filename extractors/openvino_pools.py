"""Lets max pools pad their input themselves instead of reading a padded copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from avcues.extractors.openvino_import import operations

# Operations whose output has no negative values if their input has none.
_SIGN_PRESERVING = ("Concat", "MaxPool", "Pad", "FakeQuantize")


def pad_within_pools(model: Any) -> None:
    """Moves padding with zeros into the max pool that reads it, where the padded values are never negative.

    A pool pads with minus infinity; the maximum of values that are not negative is the same, bit for bit.

    Args:
        model: An OpenVINO model; changed in place.
    """
    for pool in model.get_ordered_ops():
        if pool.get_type_name() != "MaxPool":
            continue
        pad = pool.input_value(0).get_node()
        if pad.get_type_name() != "Pad" or not _adds_zeros(pad) or not _is_never_negative(pad.input_value(0)):
            continue
        begin, end = (pad.input_value(i).get_node().data.tolist()[2:] for i in (1, 2))
        attributes = pool.get_attributes()
        padded_pool = operations().max_pool(
            pad.input_value(0),
            attributes["strides"],
            attributes["dilations"],
            [a + b for a, b in zip(begin, attributes["pads_begin"], strict=True)],
            [a + b for a, b in zip(end, attributes["pads_end"], strict=True)],
            attributes["kernel"],
            "floor",
            "explicit",
        )
        padded_pool.set_friendly_name(pool.get_friendly_name())
        pool.output(0).replace(padded_pool.output(0))
    model.validate_nodes_and_infer_types()


def _adds_zeros(pad: Any) -> bool:
    widths = [pad.input_value(i).get_node() for i in (1, 2)]
    if any(
        width.get_type_name() != "Constant" or (width.data[:2] != 0).any() or (width.data < 0).any() for width in widths
    ):
        return False
    value = pad.input_value(3).get_node() if pad.get_input_size() > 3 else None
    while value is not None and value.get_type_name() in ("Convert", "ConvertLike"):
        value = value.input_value(0).get_node()
    return value is None or (value.get_type_name() == "Constant" and not np.any(value.data))


def _is_never_negative(output: Any) -> bool:
    node = output.get_node()
    if node.get_type_name() == "Relu":
        return True
    inputs = node.input_values() if node.get_type_name() == "Concat" else node.input_values()[:1]
    return node.get_type_name() in _SIGN_PRESERVING and all(_is_never_negative(value) for value in inputs)
