"""Lets max pools pad their input themselves, instead of reading a padded copy of it."""

from __future__ import annotations

from typing import Any

import numpy as np

# The output of these is nowhere negative if their input is not.
_KEEP_SIGN = ("Concat", "MaxPool", "Pad", "FakeQuantize")


def pad_within_pools(model: Any) -> None:
    """Moves padding with zeros into the max pool that reads it, where the padded values are nowhere negative.

    A pool pads with minus infinity; the maximum of values that are not negative is the same, bit for bit.

    Args:
        model: OpenVINO's form of a network; changed.
    """
    import openvino.opset14 as operations

    for pool in model.get_ordered_ops():
        if pool.get_type_name() != "MaxPool":
            continue
        pad = pool.input_value(0).get_node()
        if pad.get_type_name() != "Pad" or not _adds_zeros(pad) or not _is_nowhere_negative(pad.input_value(0)):
            continue
        begin, end = (pad.input_value(i).get_node().data.tolist()[2:] for i in (1, 2))
        attributes = pool.get_attributes()
        joined = operations.max_pool(
            pad.input_value(0),
            attributes["strides"],
            attributes["dilations"],
            [a + b for a, b in zip(begin, attributes["pads_begin"], strict=True)],
            [a + b for a, b in zip(end, attributes["pads_end"], strict=True)],
            attributes["kernel"],
            "floor",
            "explicit",
        )
        joined.set_friendly_name(pool.get_friendly_name())
        pool.output(0).replace(joined.output(0))
    model.validate_nodes_and_infer_types()


def _adds_zeros(pad: Any) -> bool:
    ends = [pad.input_value(i).get_node() for i in (1, 2)]
    if any(end.get_type_name() != "Constant" or (end.data[:2] != 0).any() or (end.data < 0).any() for end in ends):
        return False
    value = pad.input_value(3).get_node() if pad.get_input_size() > 3 else None
    while value is not None and value.get_type_name() in ("Convert", "ConvertLike"):
        value = value.input_value(0).get_node()
    return value is None or (value.get_type_name() == "Constant" and not np.any(value.data))


def _is_nowhere_negative(output: Any) -> bool:
    node = output.get_node()
    if node.get_type_name() == "Relu":
        return True
    inputs = node.input_values() if node.get_type_name() == "Concat" else node.input_values()[:1]
    return node.get_type_name() in _KEEP_SIGN and all(_is_nowhere_negative(value) for value in inputs)
