"""The inputs and outputs of a model, read from its configuration before anything is measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from avcues.errors import AvcuesError
from avcues.extractors.hub.options import HubOptions
from avcues.models_cache.errors import WeightsError

Kind = Literal["image", "hidden sound", "sound", "video", "text"]
_INPUTS: Mapping[Kind, str] = {
    "image": "images",
    "hidden sound": "sound",
    "sound": "sound",
    "video": "video clips",
    "text": "text",
}
"""What a model of each kind reads, for messages."""

Output = Literal["probabilities", "scores", "values", "embedding"]

_CLASSIFIERS: Mapping[str, Kind] = {
    "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES": "image",
    "MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES": "sound",
    "MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING_NAMES": "video",
    "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES": "text",
}
_SOUND_PROCESSORS = (
    "Wav2Vec2FeatureExtractor",
    "WhisperFeatureExtractor",
    "ASTFeatureExtractor",
    "ClapFeatureExtractor",
)
# Frame rates of the training clips, taken from videos of 30 frames per second: every 4th frame (clips of 16), every
# 32nd (clips of 8), every 2nd (clips of 32).
_TRAINING_RATES_HZ: Mapping[str, float] = {"videomae": 7.5, "timesformer": 0.9375, "vivit": 15.0}
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_RESERVED_NAMES = (
    *("video_id", "window", "shot", "start", "end", "top1", "clips", "seen", "frame"),
    *("x", "y", "width", "height", "frame_width", "frame_height", "track", "score"),
)


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """The inputs and outputs of a model.

    Args:
        kind: "image"; "hidden sound": hidden states over time; "sound": one output per excerpt; "video": clips; "text".
        output: "probabilities" sum to 1, "scores" are independent probabilities, "values" are unbounded, "embedding".
        labels: Names of the outputs; empty for an embedding.
        width: Number of outputs.
        rate_hz: Sampling rate of a model of sound; 0 for others.
        stride: Samples between two hidden states of sound.
        receptive_field: Samples in the receptive field of a hidden state of sound.
        excerpt_s: Length in seconds of the excerpts that the model expects; 0: any length.
        frames: Frames per clip.
        clip_rate_hz: Frames per second of a clip.
    """

    kind: Kind
    output: Output
    labels: tuple[str, ...]
    width: int
    rate_hz: int = 0
    stride: int = 0
    receptive_field: int = 0
    excerpt_s: float = 0
    frames: int = 0
    clip_rate_hz: Fraction = Fraction(0)


def read_spec(name: str, folder: Path, options: HubOptions) -> ModelSpec:
    """Reads the inputs and outputs of a model from its configuration, without reading its weights.

    Args:
        name: The feature's name, for messages.
        folder: The model's files.
        options: How to use the model.

    Raises:
        WeightsError: The model is of a kind that cannot be used, needs its own code, or has a damaged configuration.
        AvcuesError: An option does not suit the model.
    """
    from avcues.extractors.hub import networks

    try:
        return _read_spec(name, folder, options)
    except AvcuesError:
        raise
    except Exception as error:  # transformers raises nearly anything at values that it does not expect
        raise WeightsError(
            f"model {name}: config.json or preprocessor_config.json of {folder.name} cannot be used: "
            f"{type(error).__name__}: {networks.first_line(error)}"
        ) from error


def _read_spec(name: str, folder: Path, options: HubOptions) -> ModelSpec:
    from avcues.extractors.hub import networks

    config, processor = networks.read_configuration(name, folder)
    kind, is_classifier = _kind(name, folder, config, processor)
    _check_options(name, options, kind, is_classifier)
    output, labels = _labels(config) if is_classifier else ("embedding", ())
    sound: dict[str, Any] = {}
    clip: dict[str, Any] = {}
    if kind in ("sound", "hidden sound"):
        sound = {"rate_hz": int(processor.sampling_rate), **_sound_timing(config, processor, kind)}
    if kind == "video":
        clip = {"frames": int(config.num_frames), "clip_rate_hz": _clip_rate(name, config, options)}
    provisional = ModelSpec(kind=kind, output=output, labels=labels, width=len(labels), **sound, **clip)
    width = (
        _width_of_text(name, config, provisional, options)
        if kind == "text"
        else _width(name, folder, provisional, options)
    )
    return ModelSpec(**{**vars(provisional), "width": width})


def _kind(name: str, folder: Path, config: Any, processor: Any) -> tuple[Kind, bool]:
    from transformers.models.auto import modeling_auto

    architecture = (getattr(config, "architectures", None) or ["none"])[0]
    for mapping, kind in _CLASSIFIERS.items():
        if architecture in getattr(modeling_auto, mapping).values():
            return kind, True
    if type(processor).__name__ in _SOUND_PROCESSORS:
        has_states_over_time = hasattr(config, "conv_stride") or config.model_type == "whisper"
        return ("hidden sound" if has_states_over_time else "sound"), False
    if getattr(processor, "model_input_names", [""])[0] == "input_ids" and not getattr(
        config, "is_encoder_decoder", False
    ):
        return "text", False
    if getattr(processor, "model_input_names", [""])[0] == "pixel_values":
        takes_clips = isinstance(getattr(config, "num_frames", None), int)
        return ("video" if takes_clips else "image"), False
    raise WeightsError(
        f"model {name}: {folder.name} is a {config.model_type} model ({architecture}); models of images, sound, "
        "video clips and text can be used, as classifiers or for their embeddings"
    )


def _check_options(name: str, options: HubOptions, kind: Kind, is_classifier: bool) -> None:
    uses: Mapping[str, tuple[bool, str]] = {
        "on": (options.on == "frames" or kind == "image", "models of images"),
        "layer": (options.layer is None or not is_classifier, "embeddings, and this model is a classifier"),
        "pooling": (
            options.pooling == "auto" or not (is_classifier or kind == "hidden sound"),
            "embeddings of images, clips, excerpts and text",
        ),
        "context_s": (options.context_s is None or kind in ("sound", "hidden sound"), "models of sound"),
        "chunk_s": (options.chunk_s is None or kind == "hidden sound", "hidden states of sound"),
        "rate_hz": (options.rate_hz is None or kind == "video", "models of video clips"),
    }
    for option, (is_suitable, purpose) in uses.items():
        if not is_suitable:
            raise AvcuesError(f"model {name}: the option {option} is for {purpose}; this model reads {_INPUTS[kind]}")


def _labels(config: Any) -> tuple[Output, tuple[str, ...]]:
    names = {int(i): str(label) for i, label in config.id2label.items()}
    labels: list[str] = []
    for i in sorted(names):
        label = _CONTROL_CHARACTERS.sub(" ", names[i]).strip() or f"label {i}"
        if label in labels or label in _RESERVED_NAMES:
            label = f"{label} ({i})"
        labels.append(label)
    outputs: Mapping[str | None, Output] = {"multi_label_classification": "scores", "regression": "values"}
    return outputs.get(config.problem_type, "probabilities"), tuple(labels)


def _sound_timing(config: Any, processor: Any, kind: Kind) -> dict[str, Any]:
    if kind == "sound":
        return {"excerpt_s": _excerpt_s(processor)}
    if config.model_type == "whisper":
        stride = 2 * int(processor.hop_length)
        return {"stride": stride, "receptive_field": stride, "excerpt_s": processor.n_samples / processor.sampling_rate}
    stride, receptive_field = 1, 1
    for kernel, step in zip(config.conv_kernel, config.conv_stride, strict=True):
        receptive_field += (kernel - 1) * stride
        stride *= step
    return {"stride": stride, "receptive_field": receptive_field}


def _excerpt_s(processor: Any) -> float:
    if type(processor).__name__ == "ASTFeatureExtractor":  # frames of 25 ms, 10 ms apart
        return float(processor.max_length - 1) * 0.01 + 0.025
    if hasattr(processor, "nb_max_samples"):
        return float(processor.nb_max_samples / processor.sampling_rate)
    if hasattr(processor, "n_samples"):
        return float(processor.n_samples / processor.sampling_rate)
    return 0.0


def _clip_rate(name: str, config: Any, options: HubOptions) -> Fraction:
    rate = options.rate_hz or _TRAINING_RATES_HZ.get(config.model_type)
    if rate is None:
        raise AvcuesError(
            f"model {name}: the frame rate of {config.model_type} models (clips of {config.num_frames} frames) is not "
            "known; give it with the option rate_hz"
        )
    return Fraction(rate).limit_denominator(1000)


def _width_of_text(name: str, config: Any, spec: ModelSpec, options: HubOptions) -> int:
    """Number of outputs, from the configuration.

    `_width` would fail: it computes only shapes, and text models need the values of their mask.
    """
    if options.layer is not None and not -config.num_hidden_layers - 1 <= options.layer <= config.num_hidden_layers:
        raise AvcuesError(f"model {name}: it has no layer {options.layer}")
    return len(spec.labels) or int(config.hidden_size)


def _width(name: str, folder: Path, spec: ModelSpec, options: HubOptions) -> int:
    """Number of outputs, from a forward pass that computes only shapes."""
    import torch

    from avcues.extractors.hub import networks
    from avcues.extractors.hub.inference import example

    network = networks.build(folder, spec, options, on_meta=True)
    with torch.inference_mode():
        inputs = networks.Processor(folder, spec)(example(spec)[:1])
        try:
            width = int(network(inputs.to("meta")).shape[-1])
        except IndexError as error:
            raise AvcuesError(f"model {name}: it has no layer {options.layer}") from error
    if spec.labels and width != len(spec.labels):
        raise WeightsError(f"model {name}: {folder.name} names {len(spec.labels)} labels, but has {width} outputs")
    return width
