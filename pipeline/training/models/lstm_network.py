"""The networks of the MuVi study (Chua et al. 2022, arXiv 2202.10453, and the public script), in plain torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from avcues.pipeline.training.protocol import Protocol


class Block(nn.Module):
    """A linear layer at every step and two LSTMs with dropout; the output is the last step of the second LSTM.

    Args:
        inputs: The number of columns that it reads.
        protocol: "script": linear layer, LSTM, LSTM of half the units; "paper": two LSTMs without a linear layer.
    """

    def __init__(self, inputs: int, protocol: Protocol) -> None:
        super().__init__()
        units = protocol.units
        is_script = protocol.block == "script"
        self.dense = _dense(inputs, units) if is_script else nn.Identity()
        self.lstm1 = nn.LSTM(units if is_script else inputs, units, batch_first=True)
        self.lstm2 = nn.LSTM(units, units // 2 if is_script else units, batch_first=True)
        self.dropout = nn.Dropout(protocol.dropout)
        for lstm in (self.lstm1, self.lstm2):
            _initialise_as_keras(lstm)

    def forward(self, rows: Tensor, steps: Tensor) -> Tensor:
        """(B, outputs) of B sequences.

        Args:
            rows: (R, inputs) features.
            steps: (B, length) indices of the rows of each sequence.
        """
        overlap = len(rows) < steps.numel()  # then the linear layer is applied once per row
        windows = self.dense(rows)[steps] if overlap else self.dense(rows[steps])
        windows, _ = self.lstm1(windows)
        windows, _ = self.lstm2(self.dropout(windows))
        return self.dropout(windows[:, -1])


class Network(nn.Module):
    """One block per input; each output is a value between -1 and 1, or a share of 1.

    The outputs of several blocks (A2 and PAIR of the study) are concatenated and pass through a dense layer with ReLU.

    Args:
        inputs: By block, the number of columns that it reads.
        outputs: The number of values to predict.
        shares: Whether the values are shares that sum to 1.
    """

    def __init__(self, inputs: Mapping[str, int], outputs: int, protocol: Protocol, *, shares: bool = False) -> None:
        super().__init__()
        self._shares = shares
        self.blocks = nn.ModuleDict({name: Block(columns, protocol) for name, columns in inputs.items()})
        width = (protocol.units // 2 if protocol.block == "script" else protocol.units) * len(inputs)
        self.joined: nn.Module = nn.Identity()
        if len(inputs) > 1:
            self.joined = nn.Sequential(_dense(width, protocol.units), nn.ReLU())
            width = protocol.units
        self.out = _dense(width, outputs)

    def forward(self, rows: Sequence[Tensor], steps: Tensor) -> Tensor:
        """(B, outputs) of B sequences.

        Args:
            rows: For each block, in order, (R, columns) features.
            steps: (B, length) indices of the rows of each sequence.
        """
        embedded = [block(block_rows, steps) for block, block_rows in zip(self.blocks.values(), rows, strict=True)]
        raw = self.out(self.joined(torch.cat(embedded, dim=1)))
        return torch.softmax(raw, dim=1) if self._shares else torch.tanh(raw)


def trainable(network: nn.Module) -> list[nn.Parameter]:
    """The parameters to fit: all but the second bias of torch's LSTMs, which Keras does not have."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _dense(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer initialised as in Keras: Glorot-uniform weights, zero bias."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _initialise_as_keras(lstm: nn.LSTM) -> None:
    """Initialises an LSTM as Keras does.

    Kernels are Glorot-uniform, recurrent kernels orthogonal; the only bias is 1 in the forget gates, else 0.
    """
    kernel, recurrent, bias, second_bias = lstm.parameters()
    nn.init.xavier_uniform_(kernel)
    nn.init.orthogonal_(recurrent)
    for array in (bias, second_bias):
        nn.init.zeros_(array)
    with torch.no_grad():
        bias[lstm.hidden_size : 2 * lstm.hidden_size] = 1
    second_bias.requires_grad_(False)
