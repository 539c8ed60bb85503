"""Checks whether this processor computes 8-bit products exactly."""

from __future__ import annotations

from functools import cache

import numpy as np

from avcues.extractors.openvino_import import core, openvino, operations

_CHANNELS = 64


@cache
def multiplies_exactly() -> bool:
    """Whether sums of 8-bit products are exact, as with VNNI or AMX; other x86 processors silently saturate them.

    Measured on the largest possible products.
    """
    package, ops = openvino(), operations()
    low, high = np.float32(0), np.float32(255)
    shape = (1, _CHANNELS, 8, 8)
    pixels = ops.parameter(shape, np.float32)
    integers = ops.constant(np.full((_CHANNELS, _CHANNELS, 1, 1), 127, np.int8), dtype=np.int8)
    weight = ops.multiply(ops.convert(integers, package.Type.f32.to_string()), np.float32(1 / 127))
    levels = ops.fake_quantize(pixels, low, high, low, high, 256)
    sums = ops.convolution(levels, weight, [1, 1], [0, 0], [0, 0], [1, 1])
    compiled = core().compile_model(
        package.Model([sums], [pixels]), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    )
    computed = compiled.create_infer_request().infer({0: np.full(shape, high, np.float32)})[0]
    return bool(np.allclose(computed, 255 * _CHANNELS, rtol=1e-4))
