"""Models of transformers with small random weights, of twelve architectures, as `save_pretrained` writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
WAVES = SMALL | {"conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}


def _vit(tf: Any) -> tuple[Any, Any]:
    labels = {"id2label": {0: "calm", 1: "tense", 2: "top1"}, "label2id": {"calm": 0, "tense": 1, "top1": 2}}
    config = tf.ViTConfig(image_size=32, patch_size=8, **labels, **SMALL)
    return tf.ViTForImageClassification(config), tf.ViTImageProcessor(size={"height": 32, "width": 32})


def _dinov2(tf: Any) -> tuple[Any, Any]:
    config = tf.Dinov2Config(
        image_size=28, patch_size=14, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2
    )
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 28, "width": 28}}
    return tf.Dinov2Model(config), tf.BitImageProcessor(**sizes)


def _clip(tf: Any) -> tuple[Any, Any]:
    text = {"vocab_size": 100, "bos_token_id": 1, "eos_token_id": 2, "projection_dim": 16, **SMALL}
    vision = {"image_size": 32, "patch_size": 8, "projection_dim": 16, **SMALL}
    config = tf.CLIPConfig(vision_config=vision, text_config=text, projection_dim=16)
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    return tf.CLIPModel(config), tf.CLIPImageProcessor(**sizes)


def _convnext(tf: Any) -> tuple[Any, Any]:
    config = tf.ConvNextConfig(
        image_size=32,
        hidden_sizes=[8, 16, 16, 16],
        depths=[1] * 4,
        num_labels=4,
        problem_type="multi_label_classification",
    )
    return tf.ConvNextForImageClassification(config), tf.ConvNextImageProcessor(size={"shortest_edge": 32})


def _wav2vec2(tf: Any) -> tuple[Any, Any]:
    return tf.Wav2Vec2Model(tf.Wav2Vec2Config(**WAVES)), tf.Wav2Vec2FeatureExtractor(do_normalize=True)


def _wavlm(tf: Any) -> tuple[Any, Any]:
    config = tf.WavLMConfig(feat_extract_norm="layer", num_buckets=32, max_bucket_distance=80, **WAVES)
    return tf.WavLMModel(config), tf.Wav2Vec2FeatureExtractor(do_normalize=False)


def _hubert(tf: Any) -> tuple[Any, Any]:
    config = tf.HubertConfig(num_labels=4, classifier_proj_size=16, feat_extract_norm="layer", **WAVES)
    return tf.HubertForSequenceClassification(config), tf.Wav2Vec2FeatureExtractor(do_normalize=True)


def _ast(tf: Any) -> tuple[Any, Any]:
    config = tf.ASTConfig(max_length=128, num_mel_bins=32, num_labels=3, **SMALL)
    return tf.ASTForAudioClassification(config), tf.ASTFeatureExtractor(max_length=128, num_mel_bins=32)


def _whisper(tf: Any) -> tuple[Any, Any]:
    layers = {"encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    tokens = {"vocab_size": 100, "pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    return tf.WhisperModel(tf.WhisperConfig(d_model=32, **layers, **heads, **tokens)), tf.WhisperFeatureExtractor()


def _videomae(tf: Any) -> tuple[Any, Any]:
    config = tf.VideoMAEConfig(image_size=32, patch_size=8, num_frames=8, num_labels=3, **SMALL)
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    return tf.VideoMAEForVideoClassification(config), tf.VideoMAEImageProcessor(**sizes)


def _timesformer(tf: Any) -> tuple[Any, Any]:
    config = tf.TimesformerConfig(image_size=32, patch_size=8, num_frames=4, **SMALL)
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    return tf.TimesformerModel(config), tf.VideoMAEImageProcessor(**sizes)


def _bert(tf: Any) -> tuple[Any, Any]:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "what", "a", "sad", "day", "it", "is", "the", "best", "all"]
    sizes = {"vocab_size": len(words), "max_position_embeddings": 64, "initializer_range": 0.3, **SMALL}
    tokenizer = tf.BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    return tf.BertForSequenceClassification(tf.BertConfig(num_labels=3, **sizes)), tokenizer


ARCHITECTURES: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "bert": _bert,
    "vit": _vit,
    "dinov2": _dinov2,
    "clip": _clip,
    "convnext": _convnext,
    "wav2vec2": _wav2vec2,
    "hubert": _hubert,
    "wavlm": _wavlm,
    "ast": _ast,
    "whisper": _whisper,
    "videomae": _videomae,
    "timesformer": _timesformer,
}


def save(architecture: str, folder: Path, seed: int = 0) -> Path:
    """Writes a model with random weights; the same seed gives the same bytes.

    Returns:
        The folder.
    """
    import torch
    import transformers

    from avcues.extractors.torchvision_import import torchvision

    torchvision()
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model, processor = ARCHITECTURES[architecture](transformers)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
