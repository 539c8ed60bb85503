"""What users may say of a model, and what they are told when it cannot be used."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_models
from safetensors.numpy import load_file, save_file

pytest.importorskip("transformers", reason="the extra hub is not installed")

from avcues.errors import AvcuesError
from avcues.extractors import registry
from avcues.extractors.compute import Compute
from avcues.extractors.hub.create import PinnedModel, create_model
from avcues.extractors.hub.options import HubOptions, parse_model, validated_options
from avcues.extractors.protocol import FrameBatch
from avcues.models_cache import WeightsError
from avcues.models_cache.hub import find_repository
from avcues.pipeline.runtime.user_settings import make_settings


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small classifier of images."""
    return tiny_models.save("vit", tmp_path_factory.mktemp("models") / "vit")


@pytest.fixture
def changed(vit: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of it with other entries in its configuration."""

    def change(**entries: object) -> Path:
        folder = Path(shutil.copytree(vit, tmp_path / "changed"))
        config = json.loads((folder / "config.json").read_text()) | entries
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return change


def test_a_model_is_said_in_one_line():
    assert parse_model("hubert=facebook/hubert-base-ls960,layer=9") == (
        "hubert",
        {"source": "facebook/hubert-base-ls960", "layer": "9"},
    )
    assert validated_options("h", {"source": "a/b", "layer": "9"}, {}) == HubOptions(source="a/b", layer=9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip", 'model "clip" is not of the form NAME=SOURCE'),
        ("clip=a/b,layer", '"layer" is not of the form OPTION=VALUE'),
        ("Clip=a/b", "expected lower-case letters"),
        ("color=a/b", "color is the name of a feature; choose another"),
        ("faces=a/b", "faces is the name of a table of expressions"),
        ("clip=a/b,layers=3", 'there is no option "layers"; did you mean "layer"?'),
        ("clip=a/b,layer=top", "model clip.layer = 'top'"),
        ("clip=a/b,on=hands", "model clip.on = 'hands'"),
        ("clip=a/b,chunk_s=-1", "model clip.chunk_s"),
        ("clip=a/b,context_s=inf", "model clip.context_s"),
    ],
)
def test_what_cannot_be_understood(text, message):
    with pytest.raises(AvcuesError) as error:
        name, options = parse_model(text)
        make_settings(features=["color"], models={name: options})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("./nowhere", "./nowhere: there is no such folder"),
        ("clip-vit", 'is neither "<owner>/<name>"'),
        ("torchvision:resnet50", "timm has many of them"),
        ("a/b/c", 'is neither "<owner>/<name>"'),
        ("nobody/no-such-model", "nobody/no-such-model is not in the hub's cache"),
    ],
)
def test_sources_that_there_are_not(source, message, monkeypatch):
    monkeypatch.setenv("AVCUES_OFFLINE", "1")
    with pytest.raises(WeightsError) as error:
        find_repository(source)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_folders_that_are_no_models(vit, tmp_path):
    with pytest.raises(WeightsError, match=r"has no config\.json"):
        find_repository(str(tmp_path))
    pickled = Path(shutil.copytree(vit, tmp_path / "pickled"))
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"as pytorch_model\.bin, which may hold code; only safetensors are read"):
        find_repository(str(pickled))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"auto_map": {"AutoConfig": "mine.Config"}, "model_type": "mine"}, "needs code that comes with it"),
        ({"model_type": "mine"}, "config.json: "),
        ({"model_type": "bert", "architectures": ["BertModel"]}, "video clips and text can be used"),
        ({"num_hidden_layers": 3}, "lacks"),
    ],
)
def test_models_that_cannot_be_used(changed, entries, message):
    folder = changed(**entries)
    if "bert" in str(entries):
        (folder / "preprocessor_config.json").write_text('{"feature_extractor_type": "SpeechT5FeatureExtractor"}')
    with pytest.raises(AvcuesError) as error:
        create_model("m", HubOptions(source=str(folder))).setup(Compute(device="cpu"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"id2label": {"0": "calm", "1": "tense"}}, "its weights have other shapes than config.json says"),
        ({"hidden_act": "unheard_of"}, "unheard_of"),
    ],
)
def test_weights_that_do_not_fit_are_refused(changed, entries, message):
    with pytest.raises(WeightsError, match=message):
        create_model("m", HubOptions(source=str(changed(**entries)))).setup(Compute(device="cpu"))


@pytest.mark.parametrize(
    ("file", "entries", "message"),
    [
        ("config.json", {"layer_norm_eps": np.nan}, "no numbers"),
        ("config.json", {"hidden_size": "many"}, "hidden_size"),
        ("config.json", {"num_attention_heads": 0}, "ZeroDivisionError"),
        ("config.json", {"image_size": [1, 2, 3]}, "cannot be used"),
        ("preprocessor_config.json", {"size": {"wide": 5}}, "size"),
        ("preprocessor_config.json", {"size": {"height": -4, "width": 0}}, "cannot be used"),
        ("preprocessor_config.json", {"image_mean": [0.5, 0.5]}, "cannot be used"),
        ("preprocessor_config.json", {"rescale_factor": 0}, "ZeroDivisionError"),
        ("preprocessor_config.json", {"rescale_factor": 1e-30}, "makes all items alike"),
        ("preprocessor_config.json", {"rescale_factor": "half"}, "cannot be used"),
        ("preprocessor_config.json", {"resample": 99}, "99"),
    ],
)
def test_forged_configurations_are_one_line(changed, file, entries, message):
    folder = changed()
    document = json.loads((folder / file).read_text()) | entries
    (folder / file).write_text(json.dumps(document))
    with pytest.raises(AvcuesError) as error:
        extractor = create_model("m", HubOptions(source=str(folder)))
        extractor.setup(Compute(device="cpu"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_damaged_weights_and_preprocessing_are_refused_instead_of_giving_nulls(changed, value):
    folder = changed()
    weights = load_file(folder / "model.safetensors")
    save_file(
        weights | {"classifier.bias": weights["classifier.bias"] + np.float32(value)},
        folder / "damaged",
        metadata={"format": "pt"},
    )
    sound = (folder / "model.safetensors").read_bytes()
    (folder / "damaged").replace(folder / "model.safetensors")
    with pytest.raises(WeightsError, match=r"1 of its tensors hold NaN or infinity \(classifier.bias\)"):
        create_model("m", HubOptions(source=str(folder))).setup(Compute(device="cpu"))
    (folder / "model.safetensors").write_bytes(sound)
    preparation = json.loads((folder / "preprocessor_config.json").read_text()) | {"image_mean": [value] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(preparation))
    extractor = create_model("m", HubOptions(source=str(folder)))
    with pytest.raises(WeightsError, match="values that are no numbers"):
        extractor.setup(Compute(device="cpu"))
        extractor.process_frames(FrameBatch(np.zeros((1, 40, 60, 3), np.uint8), (0.0,)))


@pytest.mark.parametrize(
    "options",
    [{"layer": 1}, {"pooling": "mean"}, {"context_s": 3.0}, {"chunk_s": 3.0}, {"rate_hz": 5.0}],
)
def test_options_of_other_models(vit, options):
    """A classifier of images has no layer, no pooling, no seconds and no rate."""
    (name,) = options
    with pytest.raises(AvcuesError, match=f"model m: the option {name} is for"):
        create_model("m", HubOptions(source=str(vit), **options))


def test_a_layer_that_there_is_not(tmp_path):
    folder = tiny_models.save("dinov2", tmp_path / "dinov2")
    with pytest.raises(AvcuesError, match="model m: it has no layer 7"):
        create_model("m", HubOptions(source=str(folder), layer=7))


def test_labels_become_columns(vit):
    """One that is called as a column of avcues gets its number."""
    (table,) = create_model("m", HubOptions(source=str(vit))).tables
    assert [column.name for column in table.columns] == ["calm", "tense", "top1 (2)", "top1"]
    assert table.sums_to_one == (("calm", "tense", "top1 (2)"),)


def test_a_worker_gets_the_model_without_its_weights(vit):
    extractor = create_model("m", HubOptions(source=str(vit)))
    extractor.setup(Compute(device="cpu"))
    extractor.needed_extractors = (registry.create("words"),)
    packed = pickle.dumps(extractor)
    assert len(packed) < 5000
    assert [needed.name for needed in pickle.loads(packed).needed_extractors] == ["words"]
    batch = FrameBatch(np.random.default_rng(0).integers(0, 256, (2, 40, 60, 3), np.uint8), (0.0, 0.5))
    second = pickle.loads(packed)
    second.setup(Compute(device="cpu"))
    np.testing.assert_array_equal(
        extractor.process_frames(batch)["m"]["calm"], second.process_frames(batch)["m"]["calm"]
    )


def test_a_package_pins_a_model_of_its_own(vit):
    pinned = dict(create_model("m", HubOptions(source=str(vit))).pinned_files)

    class Mine(PinnedModel):
        name = "mine"
        source = str(vit)
        options = {"on": "faces"}
        files = {"model.safetensors": pinned["model.safetensors"]}

    class Other(Mine):
        files = {"model.safetensors": "0" * 64}

    assert [table.name for table in Mine().tables] == ["mine", "mine_faces"]
    with pytest.raises(WeightsError, match=r"mine: model\.safetensors of .* has sha256 .*, expected sha256 0000"):
        Other()
