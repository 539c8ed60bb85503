"""The study's networks, built in Keras as its script builds them, against ours."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avcues.pipeline.training.models.gradient_descent import EPSILON, Windows, fit
from avcues.pipeline.training.models.lstm_network import Block, Network, trainable
from avcues.pipeline.training.protocol import CLEAN

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "muvi" / "reference.json"
LENGTH = 4


def keras_block(columns: int) -> Any:
    return keras.Sequential(
        [
            keras.Input((LENGTH, columns)),
            keras.layers.Dense(256),
            keras.layers.LSTM(256, return_sequences=True),
            keras.layers.Dropout(0.2),
            keras.layers.LSTM(128),
            keras.layers.Dropout(0.2),
        ]
    )


def copy(of_keras: Sequence[Any], ours: Sequence[torch.nn.Parameter]) -> None:
    """Copies weights layer by layer: kernels are transposed, the gates i, f, c, o stand in the same order."""
    with torch.no_grad():
        for reference, parameter in zip(of_keras, ours, strict=True):
            values = torch.from_numpy(keras.ops.convert_to_numpy(reference).copy())
            parameter.copy_(values.T if values.ndim == 2 else values)


def weights(block: Block) -> list[torch.nn.Parameter]:
    """In the order of Keras."""
    layers = [block.dense.weight, block.dense.bias]
    for lstm in (block.lstm1, block.lstm2):
        layers += [lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0]
    return layers


def inputs(rows: int, columns: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, LENGTH, columns)).astype(np.float32)


def predicted(network: Network, *windows: np.ndarray) -> np.ndarray:
    """What our network makes of (B, LENGTH, columns) windows per block, when they are rows one after the other."""
    rows = [torch.from_numpy(of_block.reshape(-1, of_block.shape[2])) for of_block in windows]
    with torch.inference_mode():
        return network(rows, torch.arange(len(rows[0])).reshape(-1, LENGTH)).numpy()


def test_the_script_s_unimodal_network_predicts_the_same() -> None:
    reference = keras.Sequential([keras_block(988), keras.layers.Dense(1, activation="tanh")])
    computed = Network({"audio": 988}, 1, CLEAN).eval()
    copy(reference.weights, [*weights(computed.blocks["audio"]), computed.out.weight, computed.out.bias])
    x = inputs(50, 988, 0)
    expected = keras.ops.convert_to_numpy(reference(x, training=False))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(predicted(computed, x), expected, rtol=0, atol=1e-6)


def test_the_script_s_late_fusion_predicts_the_same() -> None:
    blocks = [keras_block(60), keras_block(40)]
    read = [keras.Input((LENGTH, columns)) for columns in (60, 40)]
    hidden, out = keras.layers.Dense(256, activation="relu"), keras.layers.Dense(1, activation="tanh")
    joined = keras.layers.Concatenate()([block(of_block) for block, of_block in zip(blocks, read, strict=True)])
    reference = keras.Model(read, out(hidden(joined)))
    computed = Network({"audio": 60, "visual": 40}, 1, CLEAN).eval()
    layers = [computed.joined[0].weight, computed.joined[0].bias, computed.out.weight, computed.out.bias]
    copy(
        [*blocks[0].weights, *blocks[1].weights, *hidden.weights, *out.weights],
        [*weights(computed.blocks["audio"]), *weights(computed.blocks["visual"]), *layers],
    )
    x = [inputs(50, 60, 0), inputs(50, 40, 1)]
    expected = keras.ops.convert_to_numpy(reference(x, training=False))
    np.testing.assert_allclose(predicted(computed, *x), expected, rtol=0, atol=1e-6)


def test_it_has_as_many_parameters() -> None:
    counted = sum(parameter.numel() for parameter in trainable(Network({"audio": 988}, 1, CLEAN)))
    reference = keras.Sequential([keras_block(988), keras.layers.Dense(1, activation="tanh")])
    assert counted == reference.count_params() == 975_745
    if REFERENCE.exists():
        assert counted == json.loads(REFERENCE.read_text())["worked_examples"]["keras_params_script_unimodal_988"]


def test_first_weights_are_drawn_as_keras_draws_them() -> None:
    keras.utils.set_random_seed(0)  # the largest of so many draws would not always be within the tolerance
    reference = keras_block(300)
    computed = Block(300, CLEAN)
    for expected, parameter in zip(reference.weights, weights(computed), strict=True):
        values = keras.ops.convert_to_numpy(expected)
        drawn = parameter.detach().numpy().T
        if values.ndim == 1:
            np.testing.assert_array_equal(drawn, values)
        else:
            assert drawn.std() == pytest.approx(values.std(), rel=0.02)
            assert np.abs(drawn).max() == pytest.approx(np.abs(values).max(), rel=0.2)
    for lstm in (computed.lstm1, computed.lstm2):
        recurrent = lstm.weight_hh_l0.detach()
        torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(recurrent.shape[1]), atol=1e-5, rtol=0)


def test_fitting_takes_the_same_steps() -> None:
    """Adam with the script's settings moves both alike, without dropout, in three epochs of one batch each.

    Keras adds epsilon before it corrects the bias of the second moment, torch after it; where gradients are tiny, its
    first steps are a little shorter.
    """
    protocol = replace(CLEAN, dropout=0.0, epochs=3)
    reference = keras.Sequential([keras_block(20), keras.layers.Dense(1, activation="tanh")])
    for layer in reference.layers[0].layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    reference.compile(keras.optimizers.Adam(protocol.learning_rate, epsilon=EPSILON), "mse")
    computed = Network({"audio": 20}, 1, protocol)
    copy(reference.weights, [*weights(computed.blocks["audio"]), computed.out.weight, computed.out.bias])
    random = np.random.default_rng(0)
    x, y = random.normal(size=(103, 20)).astype(np.float32), random.uniform(-1, 1, (100, 1)).astype(np.float32)
    rows = torch.arange(3, 103)
    windows = Windows(inputs={"audio": torch.from_numpy(x)}, rows=rows, history=(LENGTH, 0), labels=torch.from_numpy(y))
    losses = fit(computed, windows, None, (0,), protocol, seed=0)
    seen = np.stack([x[row - 3 : row + 1] for row in rows])
    history = reference.fit(seen, y, batch_size=256, epochs=3, verbose=0).history["loss"]
    np.testing.assert_allclose(
        [epoch.train for epoch in losses], history, rtol=0, atol=0.04 * (history[0] - history[2])
    )
    assert losses[0].train == pytest.approx(history[0], rel=1e-5)
    assert history[2] < history[0]
