"""The networks of the MuVi study (Chua et al. 2022, arXiv 2202.10453, and the public script), in plain torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from avcues.pipeline.training.protocol import Protocol


class Block(nn.Module):
    """A linear layer at every step and two LSTMs, each followed by dropout; the last step of the second counts.

    Args:
        inputs: Columns that it reads.
        protocol: "script": linear layer, LSTM, LSTM of half the units; "paper": two LSTMs without a linear layer.
    """

    def __init__(self, inputs: int, protocol: Protocol) -> None:
        super().__init__()
        units = protocol.units
        script = protocol.block == "script"
        self.dense = _dense(inputs, units) if script else nn.Identity()
        self.lstm1 = nn.LSTM(units if script else inputs, units, batch_first=True)
        self.lstm2 = nn.LSTM(units, units // 2 if script else units, batch_first=True)
        self.dropout = nn.Dropout(protocol.dropout)
        for lstm in (self.lstm1, self.lstm2):
            _as_keras(lstm)

    def forward(self, rows: Tensor, steps: Tensor) -> Tensor:
        """(B, outputs) of (R, inputs) rows and, for each sequence, the (B, length) places of the rows that it sees."""
        overlap = len(rows) < steps.numel()  # the linear layer then reads each row once
        windows = self.dense(rows)[steps] if overlap else self.dense(rows[steps])
        windows, _ = self.lstm1(windows)
        windows, _ = self.lstm2(self.dropout(windows))
        return self.dropout(windows[:, -1])


class Network(nn.Module):
    """One block per input, and one value between -1 and 1 per output, or shares that sum to 1.

    With several blocks (A2 and PAIR of the study) what they give is joined and goes through a layer with ReLU.

    Args:
        inputs: Columns that each block reads, by its name.
        outputs: Values to predict.
        shares: Whether they sum to 1.
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
        """(B, outputs) of (R, columns) rows per block, in their order, and the (B, length) rows of each sequence."""
        embedded = [block(block_rows, steps) for block, block_rows in zip(self.blocks.values(), rows, strict=True)]
        raw = self.out(self.joined(torch.cat(embedded, dim=1)))
        return torch.softmax(raw, dim=1) if self._shares else torch.tanh(raw)


def trainable(network: nn.Module) -> list[nn.Parameter]:
    """The parameters that are fitted; the second bias of torch's LSTMs is none of them."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _dense(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer with the first weights that Keras gives it: Glorot-uniform, and no bias."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _as_keras(lstm: nn.LSTM) -> None:
    """Glorot-uniform kernels, orthogonal recurrent kernels, and the one bias that Keras has, 1 in the forget gates."""
    kernel, recurrent, bias, second_bias = lstm.parameters()
    nn.init.xavier_uniform_(kernel)
    nn.init.orthogonal_(recurrent)
    for array in (bias, second_bias):
        nn.init.zeros_(array)
    with torch.no_grad():
        bias[lstm.hidden_size : 2 * lstm.hidden_size] = 1
    second_bias.requires_grad_(False)
