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
_LAYERS, _HEADS, _FEED_FORWARD, _VOCABULARY, _POSITIONS = 6, 12, 1536, 30522, 512
_MAX_TOKENS = 256
_BATCH_SIZE = 32
_UNUSED = ("pooler.dense.weight", "pooler.dense.bias", "embeddings.position_ids")  # used only in BERT's training


class MiniLM(nn.Module):
    """Maps (B, T) tokens and their attention mask to (B, 384) vectors of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(_VOCABULARY, WIDTH)
        self.positions = nn.Embedding(_POSITIONS, WIDTH)
        self.segments = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        layer = nn.TransformerEncoderLayer(
            WIDTH, _HEADS, _FEED_FORWARD, dropout=0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        """Embeds token numbers; only tokens whose mask is 1 count."""
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.words(tokens) + self.positions(positions) + self.segments.weight[0]
        x = self.encoder(self.norm(x), src_key_padding_mask=attention_mask == 0)
        weight = attention_mask[..., None].to(x.dtype)
        return nn.functional.normalize((x * weight).sum(dim=1) / weight.sum(dim=1), dim=1)


class SentenceEncoder:
    """Maps sentences to vectors.

    Args:
        path: The zip archive of the published model, with its tokenizer.
        device: Device of torch.

    Raises:
        WeightsError: The file is not this archive.
    """

    def __init__(self, path: Path, device: str) -> None:
        from tokenizers import Tokenizer

        self._network = load(path).to(device).eval().requires_grad_(False)
        self._device = device
        self._tokenizer = Tokenizer.from_str(load_zip(path, ["tokenizer.json"])["tokenizer.json"].decode())
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(B, 384) vectors of length 1."""
        vectors = np.empty((len(texts), WIDTH), np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(texts), _BATCH_SIZE):
            batch = by_length[start : start + _BATCH_SIZE]
            encodings = self._tokenizer.encode_batch([texts[i] for i in batch])
            tokens = torch.tensor([encoding.ids for encoding in encodings], device=self._device)
            attention_mask = torch.tensor([encoding.attention_mask for encoding in encodings], device=self._device)
            with torch.inference_mode():
                vectors[batch] = self._network(tokens, attention_mask).float().cpu().numpy()
        return vectors


@weights_loader
def load(path: Path) -> MiniLM:
    """The network, from the zip archive of the published model."""
    from safetensors.torch import load as load_tensors

    tensors = load_tensors(load_zip(path, ["model.safetensors"])["model.safetensors"])
    for name in _UNUSED:
        tensors.pop(name)
    state = {
        f"{our_name}.weight": tensors.pop(f"embeddings.{published_name}.weight")
        for published_name, our_name in _EMBEDDING_MODULES.items()
    }
    state |= {f"norm.{kind}": tensors.pop(f"embeddings.LayerNorm.{kind}") for kind in ("weight", "bias")}
    for i in range(_LAYERS):
        layer = f"encoder.layer.{i}"
        for kind in ("weight", "bias"):
            parts = [tensors.pop(f"{layer}.attention.self.{part}.{kind}") for part in ("query", "key", "value")]
            state[f"encoder.layers.{i}.self_attn.in_proj_{kind}"] = torch.cat(parts)
            for published_name, our_name in _LAYER_MODULES.items():
                state[f"encoder.layers.{i}.{our_name}.{kind}"] = tensors.pop(f"{layer}.{published_name}.{kind}")
    network = MiniLM()
    missing, unexpected = network.load_state_dict(state, strict=False)
    check_all_used(path, list(missing), [*unexpected, *tensors])
    return network


_EMBEDDING_MODULES = {
    "word_embeddings": "words",
    "position_embeddings": "positions",
    "token_type_embeddings": "segments",
}
_LAYER_MODULES = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
