"""Models of transformers: configuration, preprocessing and weights, without running code that comes with a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from avcues.errors import AvcuesError
from avcues.extractors.torchvision_import import torchvision
from avcues.models_cache.errors import WeightsError

if TYPE_CHECKING:
    from avcues.extractors.hub.options import HubOptions
    from avcues.extractors.hub.spec import ModelSpec

_PREPROCESSING_FILES = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")
_MAX_TOKENS = 512  # per text; some models state no limit
_TRAINING_TENSORS = ("masked_spec_embed", "mask_token")
_SAFE_LOADING = {"local_files_only": True, "trust_remote_code": False}


def read_configuration(name: str, folder: Path) -> tuple[Any, Any]:
    """The configuration of a model and its preprocessing.

    Args:
        name: The feature's name, for messages.
        folder: The model's files.

    Raises:
        WeightsError: The model needs its own code, is of a kind that transformers does not know, or lacks a file.
        AvcuesError: transformers is not installed.
    """
    transformers = _transformers()
    try:
        with _quiet():
            config = transformers.AutoConfig.from_pretrained(folder, **_SAFE_LOADING)
    except (ValueError, OSError, KeyError) as error:
        if "auto_map" in (folder / "config.json").read_text("utf-8", errors="replace"):
            raise WeightsError(
                f"model {name}: {folder.name} needs code that comes with it, which is never run; use a version that "
                "transformers supports itself"
            ) from error
        raise WeightsError(f"model {name}: {folder / 'config.json'}: {first_line(error)}") from error
    return config, _read_processor(name, folder)


class Processor:
    """A model's own preprocessing.

    Args:
        folder: The model's files.
        spec: The model's inputs and outputs.
    """

    def __init__(self, folder: Path, spec: ModelSpec) -> None:
        self._spec = spec
        self._name = folder.name
        self._processor = _read_processor(folder.name, folder)
        self._is_timm = type(self._processor).__name__ == "TimmWrapperImageProcessor"

    def __call__(self, items: Sequence[Any]) -> Any:
        """The network's input: a tensor, or the tokens of texts and their attention mask.

        Args:
            items: Images: (H, W, 3) uint8 RGB of any size. Video clips: (T, H, W, 3) uint8 RGB. Sound: (n,) float32
                samples, all of the same length. Text: strings, which are truncated to the model's longest input.
        """
        if self._spec.kind == "text":
            max_tokens = min(self._processor.model_max_length, _MAX_TOKENS)
            return self._processor(
                list(items), padding=True, truncation=True, max_length=max_tokens, return_tensors="pt"
            )
        if self._spec.kind == "image":
            # timm's transforms take no option for the order of the axes.
            layout = {} if self._is_timm else {"input_data_format": "channels_last"}
            inputs = self._processor(list(items), return_tensors="pt", **layout)
        elif self._spec.kind == "video":
            inputs = self._processor(
                [list(clip) for clip in items], input_data_format="channels_last", return_tensors="pt"
            )
        else:
            inputs = self._processor(list(items), sampling_rate=self._spec.rate_hz, return_tensors="pt")
        prepared = inputs[self._processor.model_input_names[0]]
        if self._spec.kind in ("image", "video") and not torch.isfinite(prepared).all():
            raise WeightsError(
                f"{self._name}: its preprocessing makes values that are no numbers; mend image_mean, image_std and "
                "rescale_factor in preprocessor_config.json"
            )
        return prepared


class HubNetwork(nn.Module):
    """Maps the preprocessed input to (B, width) outputs, or to (B, frames, width) hidden states of sound.

    Args:
        model: A model of transformers.
        spec: Its inputs and outputs.
        options: Layer and pooling.
    """

    def __init__(self, model: nn.Module, spec: ModelSpec, options: HubOptions) -> None:
        super().__init__()
        self.model = model
        self.identity = f"{type(model).__name__} {getattr(model, 'config', '')} {options} {spec}"
        self._spec = spec
        self._is_whisper = spec.kind == "hidden sound" and getattr(model, "main_input_name", "") == "input_features"
        self._layer = options.layer
        self._pooling = options.pooling

    def forward(self, x: Any) -> Tensor:
        if self._spec.labels:
            logits: Tensor = (self.model(**x) if self._spec.kind == "text" else self.model(x)).logits
            return logits
        if self._spec.kind == "text":
            options = {"output_hidden_states": True} if self._layer is not None else {}
            return self._pooled(self.model(**x, **options), x["attention_mask"])
        states = self._states(x)
        if self._spec.kind == "hidden sound":
            return states.last_hidden_state if self._layer is None else states.hidden_states[self._layer]
        return self._pooled(states)

    def _states(self, x: Tensor) -> Any:
        options = {"output_hidden_states": True} if self._layer is not None else {}
        if self._is_whisper:
            return self.model.get_submodule("encoder")(x, **options)
        if self._layer is None and self._pooling == "auto":
            towers = {"image": "get_image_features", "sound": "get_audio_features", "video": "get_video_features"}
            tower = getattr(self.model, towers[self._spec.kind], None) if self._spec.kind in towers else None
            if callable(tower):
                return tower(x)
        model = getattr(self.model, "vision_model", getattr(self.model, "audio_model", self.model))
        return model(x, **options)

    def _pooled(self, states: Any, mask: Tensor | None = None) -> Tensor:
        """(B, width) from hidden states. For text, `mask` marks the tokens, and their mean is the default."""
        pooler = getattr(states, "pooler_output", None)
        if isinstance(states, Tensor):
            return states
        pooled_by_model = ("auto", "pooler") if mask is None else ("pooler",)
        if self._layer is None and self._pooling in pooled_by_model and pooler is not None:
            vector: Tensor = pooler.flatten(1)
            return vector
        if self._pooling == "pooler":
            raise AvcuesError("the model has no pooler; use another pooling")
        hidden: Tensor = states.last_hidden_state if self._layer is None else states.hidden_states[self._layer]
        if hidden.ndim == 4:  # (B, C, H, W) of a convolutional network
            return hidden.mean(dim=(2, 3))
        if self._pooling == "first":
            return hidden[:, 0]
        if mask is None:
            return hidden.mean(dim=1)
        weight = mask[..., None].to(hidden.dtype)
        return (hidden * weight).sum(dim=1) / weight.sum(dim=1)


def build(folder: Path, spec: ModelSpec, options: HubOptions, *, on_meta: bool = False) -> HubNetwork:
    """The network with its weights, or without weights on torch's meta device.

    Raises:
        WeightsError: The file lacks weights of the network.
    """
    transformers = _transformers()
    with _quiet():
        config = transformers.AutoConfig.from_pretrained(folder, **_SAFE_LOADING)
        model_class: Any = getattr(transformers, config.architectures[0]) if spec.labels else transformers.AutoModel
        try:
            if on_meta:
                with torch.device("meta"):
                    model = (
                        model_class.from_config(config)
                        if model_class is transformers.AutoModel
                        else model_class._from_config(config)
                    )
                return HubNetwork(model.eval(), spec, options).eval()
            model, loading_info = model_class.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, dtype=torch.float32, **_SAFE_LOADING
            )
        except (ValueError, OSError, RuntimeError, KeyError) as error:
            reason = first_line(error)
            if "ignore_mismatched_sizes" in reason:
                reason = "its weights have other shapes than config.json says, for example of another number of labels"
            raise WeightsError(f"{folder.name}: {reason}") from error
    _check_complete(folder, loading_info["missing_keys"], spec, options)
    _check_finite(folder, model)
    return HubNetwork(model.eval(), spec, options).eval()


def _check_finite(folder: Path, model: nn.Module) -> None:
    """Checks that the weights are numbers; one that is none makes every output null."""
    damaged = [name for name, weights in model.named_parameters() if not torch.isfinite(weights).all()]
    if damaged:
        raise WeightsError(
            f"{folder.name}: {len(damaged)} of its tensors hold NaN or infinity ({', '.join(damaged[:3])}): its file "
            "is damaged; download it again"
        )


def _check_complete(folder: Path, missing_keys: Iterable[str], spec: ModelSpec, options: HubOptions) -> None:
    """Checks that no tensor that affects the outputs is left at random values."""
    missing = sorted(key for key in missing_keys if key.rpartition(".")[2] not in _TRAINING_TENSORS)
    pooler_keys = [key for key in missing if "pooler" in key]
    if pooler_keys == missing and not spec.labels:
        if not missing or options.layer is not None or options.pooling in ("first", "mean") or spec.kind == "text":
            return
        raise WeightsError(f"{folder.name}: its file has no weights for the pooler: use pooling=first or pooling=mean")
    if missing:
        names = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise WeightsError(f"{folder.name}: its file lacks {len(missing)} of the network's tensors ({names})")


def _read_processor(name: str, folder: Path) -> Any:
    transformers = _transformers()
    errors: list[Exception] = []
    is_text_model = not any((folder / file).exists() for file in _PREPROCESSING_FILES)
    if is_text_model and any((folder / file).exists() for file in _TOKENIZER_FILES):
        with _quiet():
            return transformers.AutoTokenizer.from_pretrained(folder, **_SAFE_LOADING)
    for auto_class in (transformers.AutoFeatureExtractor, transformers.AutoImageProcessor):
        try:
            with _quiet():
                return auto_class.from_pretrained(folder, **_SAFE_LOADING)
        except (ValueError, OSError, KeyError, TypeError) as error:
            errors.append(error)
    raise WeightsError(
        f"model {name}: the preprocessing of {folder.name} is not known; expected a valid preprocessor_config.json: "
        f"{first_line(errors[-1])}"
    )


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise AvcuesError('models of the hub need more packages: pip install "avcues[hub]"') from error
    torchvision()
    return transformers


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps transformers from printing its warnings; what matters is raised as an error."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()


def first_line(error: Exception) -> str:
    """The first line of an error's message that is not empty, or else the error's name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
