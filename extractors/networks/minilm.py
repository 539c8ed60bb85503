"""all-MiniLM-L6-v2, the sentence model of Sentence-Transformers: BERT of six layers, mean over tokens, unit length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from avcues.models_cache.loading import check_all_used, load_zip, weights_loader

WIDTH = 384
_LAYERS, _HEADS, _INNER, _WORDS, _POSITIONS = 6, 12, 1536, 30522, 512
_LONGEST_TOKENS = 256
_BATCH = 32
_UNUSED = ("pooler.dense.weight", "pooler.dense.bias", "embeddings.position_ids")  # of BERT's own training


class MiniLM(nn.Module):
    """Maps (B, T) tokens and their attention mask to (B, 384) vectors of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(_WORDS, WIDTH)
        self.positions = nn.Embedding(_POSITIONS, WIDTH)
        self.segments = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        layer = nn.TransformerEncoderLayer(
            WIDTH, _HEADS, _INNER, dropout=0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)

    def forward(self, tokens: Tensor, counts: Tensor) -> Tensor:
        """Embeds token numbers where the mask is 1."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.words(tokens) + self.positions(places) + self.segments.weight[0]
        x = self.encoder(self.norm(x), src_key_padding_mask=counts == 0)
        weight = counts[..., None].to(x.dtype)
        return nn.functional.normalize((x * weight).sum(dim=1) / weight.sum(dim=1), dim=1)


class SentenceEncoder:
    """From sentences to vectors.

    Args:
        path: The zip archive of the published model, with its tokenizer.
        device: Of torch.

    Raises:
        WeightsError: The file is not this archive.
    """

    def __init__(self, path: Path, device: str) -> None:
        from tokenizers import Tokenizer

        self._network = load(path).to(device).eval().requires_grad_(False)
        self._device = device
        self._tokenizer = Tokenizer.from_str(load_zip(path, ["tokenizer.json"])["tokenizer.json"].decode())
        self._tokenizer.enable_truncation(_LONGEST_TOKENS)
        self._tokenizer.enable_padding()

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(B, 384) vectors of length 1."""
        vectors = np.empty((len(texts), WIDTH), np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for first in range(0, len(texts), _BATCH):
            chosen = by_length[first : first + _BATCH]
            encoded = self._tokenizer.encode_batch([texts[i] for i in chosen])
            tokens = torch.tensor([each.ids for each in encoded], device=self._device)
            counts = torch.tensor([each.attention_mask for each in encoded], device=self._device)
            with torch.inference_mode():
                vectors[chosen] = self._network(tokens, counts).float().cpu().numpy()
        return vectors


@weights_loader
def load(path: Path) -> MiniLM:
    """The network, from the zip archive of the published model."""
    from safetensors.torch import load as load_tensors

    tensors = load_tensors(load_zip(path, ["model.safetensors"])["model.safetensors"])
    for name in _UNUSED:
        tensors.pop(name)
    renamed = {f"{ours}.weight": tensors.pop(f"embeddings.{theirs}.weight") for theirs, ours in _EMBEDDINGS.items()}
    renamed |= {f"norm.{kind}": tensors.pop(f"embeddings.LayerNorm.{kind}") for kind in ("weight", "bias")}
    for i in range(_LAYERS):
        layer = f"encoder.layer.{i}"
        for kind in ("weight", "bias"):
            parts = [tensors.pop(f"{layer}.attention.self.{part}.{kind}") for part in ("query", "key", "value")]
            renamed[f"encoder.layers.{i}.self_attn.in_proj_{kind}"] = torch.cat(parts)
            for theirs, ours in _OF_LAYER.items():
                renamed[f"encoder.layers.{i}.{ours}.{kind}"] = tensors.pop(f"{layer}.{theirs}.{kind}")
    network = MiniLM()
    missing, unexpected = network.load_state_dict(renamed, strict=False)
    check_all_used(path, list(missing), [*unexpected, *tensors])
    return network


_EMBEDDINGS = {"word_embeddings": "words", "position_embeddings": "positions", "token_type_embeddings": "segments"}
_OF_LAYER = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
