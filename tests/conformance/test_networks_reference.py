"""The networks against independent definitions, on real weights where these can be had.

The references here are literal: each layer as the publication gives it, nothing folded, nothing shared with our code.
"""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from avcues.extractors.compute import Compute
from avcues.extractors.expressions import square_crop
from avcues.extractors.face_detectors import CenterFace, YuNet
from avcues.extractors.networks import fer, inception_i3d, places
from avcues.extractors.objects import Objects, ObjectsSettings
from avcues.extractors.protocol import FRAME, FrameBatch
from avcues.extractors.torchvision_import import nms, torchvision
from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve
from avcues.models_cache.loading import load_numpy_pickle


def weights(name: str) -> Path:
    try:
        return resolve(name).path
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


# Inception-I3D


class LiteralI3D:
    """The published TensorFlow graph, layer by layer, on the checkpoint's own arrays; notes which ones it used."""

    def __init__(self, checkpoint: dict) -> None:
        self.parameters, self.statistics = checkpoint["params"], checkpoint["batch_stats"]
        self.used = 0

    def take(self, array: np.ndarray) -> torch.Tensor:
        self.used += 1
        return torch.from_numpy(np.array(array))

    @staticmethod
    def same(x: torch.Tensor, kernel: list[int], stride: list[int], value: float) -> torch.Tensor:
        pads: list[int] = []
        for n, k, s in zip(x.shape[2:], kernel, stride, strict=True):
            out = (n + s - 1) // s
            total = max((out - 1) * s + k - n, 0)
            pads = [total // 2, total - total // 2, *pads]
        return functional.pad(x, pads, value=value)

    def unit(self, x: torch.Tensor, path: list[str], stride: int = 1) -> torch.Tensor:
        parameters, statistics = self.parameters, self.statistics
        for part in path:
            parameters, statistics = parameters[part], statistics[part]
        kernel = self.take(parameters["Conv_0"]["kernel"]).permute(4, 3, 0, 1, 2)
        x = functional.conv3d(self.same(x, list(kernel.shape[2:]), [stride] * 3, 0), kernel, stride=stride)
        norm = statistics["BatchNorm_0"]
        shape = (1, -1, 1, 1, 1)
        mean, variance = self.take(norm["mean"]).reshape(shape), self.take(norm["var"]).reshape(shape)
        beta = self.take(parameters["BatchNorm_0"]["bias"]).reshape(shape)
        return torch.relu((x - mean) / torch.sqrt(variance + 1e-3) + beta)

    def pool(self, x: torch.Tensor, kernel: list[int], stride: list[int]) -> torch.Tensor:
        return functional.max_pool3d(self.same(x, kernel, stride, float("-inf")), kernel, stride)

    def mixed(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return torch.cat(
            [
                self.unit(x, [name, "Branch_0/Conv3d_0a_1x1"]),
                self.unit(self.unit(x, [name, "Branch_1/Conv3d_0a_1x1"]), [name, "Branch_1/Conv3d_0b_3x3"]),
                self.unit(self.unit(x, [name, "Branch_2/Conv3d_0a_1x1"]), [name, "Branch_2/Conv3d_0b_3x3"]),
                self.unit(self.pool(x, [3, 3, 3], [1, 1, 1]), [name, "Branch_3/Conv3d_0b_1x1"]),
            ],
            1,
        )

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.unit(x, ["Conv3d_1a_7x7"], 2), [1, 3, 3], [1, 2, 2])
        x = self.unit(self.unit(x, ["Conv3d_2b_1x1"]), ["Conv3d_2c_3x3"])
        x = self.pool(x, [1, 3, 3], [1, 2, 2])
        for name in ("Mixed_3b", "Mixed_3c"):
            x = self.mixed(x, name)
        x = self.pool(x, [3, 3, 3], [2, 2, 2])
        for name in ("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f"):
            x = self.mixed(x, name)
        x = self.pool(x, [2, 2, 2], [2, 2, 2])
        for name in ("Mixed_5b", "Mixed_5c"):
            x = self.mixed(x, name)
        x = self.pooled = functional.avg_pool3d(x, (2, 7, 7), stride=1)
        head = self.parameters["Logits/Conv3d_0c_1x1"]["Conv_0"]
        x = functional.conv3d(x, self.take(head["kernel"]).permute(4, 3, 0, 1, 2), self.take(head["bias"]))
        return x[:, :, :, 0, 0].mean(dim=2)


@pytest.fixture(scope="module")
def i3d_checkpoint() -> tuple[Path, dict]:
    path = weights("actions/i3d_rgb_scratch")
    return path, load_numpy_pickle(path)


@pytest.fixture(scope="module")
def i3d_clip() -> torch.Tensor:
    """(1, 17, 224, 224, 3) uint8."""
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 17, 224, 224, 3), np.uint8))


def minus_one_to_one(clip: torch.Tensor) -> torch.Tensor:
    """The published networks' (1, 3, T, 224, 224) input."""
    return clip.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def inputs_of(layer: torch.nn.Module) -> list[torch.Tensor]:
    """A list that gets what the layer reads from now on."""
    findings: list[torch.Tensor] = []
    layer.register_forward_pre_hook(lambda _, inputs: findings.append(inputs[0]))
    return findings


def arrays_of(tree: dict) -> list[np.ndarray]:
    return [a for v in tree.values() for a in (arrays_of(v) if isinstance(v, dict) else [np.asarray(v)])]


def test_i3d_equals_the_published_definition(i3d_checkpoint, i3d_clip: torch.Tensor) -> None:
    path, checkpoint = i3d_checkpoint
    reference = LiteralI3D(checkpoint)
    with torch.inference_mode():
        expected = reference(minus_one_to_one(i3d_clip))
        computed = Compute(device="cpu").prepare_for_inference(inception_i3d.load(path))(i3d_clip)
        compiled = Compute(device="cpu").prepare_for_inference(
            inception_i3d.load(path), i3d_clip.repeat(2, 1, 1, 1, 1)
        )(i3d_clip)
    everything = arrays_of(checkpoint)
    assert reference.used == len(everything) == 230
    assert sum(a.size for a in everything) == 12_704_544
    for logits, embedding in (computed, compiled):
        np.testing.assert_allclose(logits.numpy(), expected.numpy(), atol=1e-4)
        np.testing.assert_allclose(embedding.numpy(), reference.pooled.mean(dim=(2, 3, 4)).numpy(), atol=1e-4)


def test_rounding_i3d_to_bf16_moves_logits_less_than_rounding_each_number(i3d_checkpoint, media) -> None:
    with av.open(str(media("real60.mp4"))) as container:
        frames = [f.to_ndarray(format="rgb24", width=224, height=224) for f in islice(container.decode(video=0), 17)]
    clip = torch.from_numpy(np.stack(frames))[None]
    exact, computed, plain = (inception_i3d.load(i3d_checkpoint[0]) for _ in range(3))
    computed.round_to_bf16()
    with torch.inference_mode():
        for numbers in plain.features.parameters():
            numbers.copy_(numbers.bfloat16())
        (logits, embedding), (by_us, embedding_by_us), (one_by_one, _) = (
            network(clip) for network in (exact, computed, plain)
        )
    assert all(torch.equal(x, x.bfloat16().float()) for x in computed.features.parameters())
    assert (by_us - logits).abs().max() < 0.7 * (one_by_one - logits).abs().max()
    assert (computed.head.scale - 1).abs().max() > 1e-3  # the embedding is what it was before its channels were scaled
    assert (embedding_by_us - embedding).abs().max() < 0.02 * embedding.max()


def test_i3d_of_the_pytorch_port_loads_the_same(i3d_checkpoint, i3d_clip: torch.Tensor, tmp_path: Path) -> None:
    path, checkpoint = i3d_checkpoint
    state = {}
    names = {
        f"{block}.{computed}": (block, unit)
        for block in inception_i3d._MIXED_BLOCKS
        for computed, unit in BRANCHES.items()
    }
    names |= {name: (name,) for name in ("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3")}
    for name, keys in names.items():
        parameters, statistics = checkpoint["params"], checkpoint["batch_stats"]
        for key in keys:
            parameters, statistics = parameters[key], statistics[key]
        beta = torch.from_numpy(np.array(parameters["BatchNorm_0"]["bias"]).reshape(-1))
        state[f"{name}.conv3d.weight"] = torch.from_numpy(
            np.array(parameters["Conv_0"]["kernel"]).transpose(4, 3, 0, 1, 2).copy()
        )
        state |= {
            f"{name}.bn.weight": torch.ones_like(beta),
            f"{name}.bn.bias": beta,
            f"{name}.bn.running_mean": torch.from_numpy(np.array(statistics["BatchNorm_0"]["mean"]).reshape(-1)),
            f"{name}.bn.running_var": torch.from_numpy(np.array(statistics["BatchNorm_0"]["var"]).reshape(-1)),
        }
    head = checkpoint["params"]["Logits/Conv3d_0c_1x1"]["Conv_0"]
    state["logits.conv3d.weight"] = torch.from_numpy(np.array(head["kernel"]).transpose(4, 3, 0, 1, 2).copy())
    state["logits.conv3d.bias"] = torch.from_numpy(np.array(head["bias"]))
    port = tmp_path / "rgb_imagenet.pt"
    torch.save(state, port)
    with torch.inference_mode():
        for computed, reference in zip(
            inception_i3d.load(port)(i3d_clip), inception_i3d.load(path)(i3d_clip), strict=True
        ):
            assert torch.equal(computed, reference)
    del state["Mixed_4d.b2b.bn.bias"], state["Mixed_5c.b0.conv3d.weight"]
    torch.save(state, port)
    with pytest.raises(WeightsError):
        inception_i3d.load(port)


BRANCHES = {
    "b0": "Branch_0/Conv3d_0a_1x1",
    "b1a": "Branch_1/Conv3d_0a_1x1",
    "b1b": "Branch_1/Conv3d_0b_3x3",
    "b2a": "Branch_2/Conv3d_0a_1x1",
    "b2b": "Branch_2/Conv3d_0b_3x3",
    "b3b": "Branch_3/Conv3d_0b_1x1",
}


def test_i3d_resnet_has_pytorchvideos_shape(i3d_clip: torch.Tensor, tmp_path: Path) -> None:
    torchvision()
    from pytorchvideo.models.hub.resnet import i3d_r50

    from avcues.extractors.networks.i3d_resnet import load

    torch.manual_seed(0)
    reference = i3d_r50(pretrained=False).eval()
    path = tmp_path / "I3D_8x8_R50.pyth"
    torch.save({"model_state": reference.state_dict()}, path)
    clip = i3d_clip[:, :16].repeat(1, 4, 1, 1, 1)
    with torch.inference_mode():
        classified = inputs_of(reference.blocks[-1].proj)
        expected = reference((clip[:, ::8].permute(0, 4, 1, 2, 3).float() / 255 - 0.45) / 0.225)
        logits, embedding = load(path)(clip)
    np.testing.assert_allclose(logits.numpy(), expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(embedding.numpy(), classified[0].flatten(1, 3).mean(dim=1).numpy(), atol=1e-5)


# Expressions


def test_mini_xception_equals_keras() -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras")
    path = weights("expressions/mini_xception")
    faces = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 64, 64), dtype=np.uint8))
    with torch.inference_mode():
        network = Compute(device="cpu").prepare_for_inference(fer.load_mini_xception(path), torch.zeros(2, 1, 64, 64))
        logits, embedding = fer.classify_mini_xception(network, faces)
        whole = keras.models.load_model(path, compile=False)
        last = [layer for layer in whole.layers if isinstance(layer, keras.layers.Conv2D)][-1]
        reference = keras.Model(whole.inputs, [whole.outputs[0], last.input])
        probabilities, maps = reference((faces[..., None].float() / 255 - 0.5) * 2)
    np.testing.assert_allclose(logits.softmax(1).numpy(), probabilities.cpu().numpy(), atol=1e-5)
    np.testing.assert_allclose(embedding.numpy(), maps.mean(dim=(1, 2)).cpu().numpy(), atol=1e-5)


def test_vgg19_equals_the_repositorys_evaluation(tmp_path: Path) -> None:
    """PIL ten-crop, /255, mean of the logits of the unfolded network; the layers of the repository's models/vgg.py."""
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    channels = 3
    for block, width in ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)):
        for _ in range(block):
            layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.BatchNorm2d(width), torch.nn.ReLU()]
            channels = width
        layers.append(torch.nn.MaxPool2d(2, 2))
    layers.append(torch.nn.AvgPool2d(1, 1))
    features, classifier = torch.nn.Sequential(*layers).eval(), torch.nn.Linear(512, 7)
    with torch.no_grad():
        for module in features:
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.05, 0.2)
    state = {f"features.{k}": v for k, v in features.state_dict().items()}
    state |= {f"classifier.{k}": v for k, v in classifier.state_dict().items()}
    path = tmp_path / "PrivateTest_model.t7"
    torch.save({"net": state, "best_PrivateTest_acc": 73.1}, path)

    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    transforms = torchvision().transforms
    expected = []
    with torch.inference_mode():
        for face in faces:
            image = Image.fromarray(np.repeat(face[..., None], 3, axis=2))
            crops = transforms.TenCrop(44)(image)
            inputs = torch.stack([torch.from_numpy(np.array(c)).permute(2, 0, 1).float() / 255 for c in crops])
            read = features(inputs).flatten(1)
            expected.append(torch.cat([classifier(read).mean(0), read.mean(0)]))
        computed = torch.cat(fer.classify_vgg19(fer.load_vgg19(path), torch.from_numpy(faces)), dim=1)
        compiled = Compute(device="cpu").prepare_for_inference(fer.load_vgg19(path), torch.zeros(2, 3, 44, 44))
        by_openvino = torch.cat(fer.classify_vgg19(compiled, torch.from_numpy(faces)), dim=1)
    np.testing.assert_allclose(computed.numpy(), torch.stack(expected).numpy(), atol=1e-4)
    np.testing.assert_allclose(by_openvino.numpy(), torch.stack(expected).numpy(), atol=1e-4)


def test_square_crop_repeats_edges() -> None:
    gray = np.tile(np.arange(100, dtype=np.uint8), (100, 1))
    crop = square_crop(gray, np.array([-24, 10, 48, 48, 1], np.float32))
    assert crop.shape == (48, 48)
    assert (crop[:, :24] == 0).all()
    assert crop[0, 47] == 23


def test_centerface_equals_its_published_decoding(real_frames: np.ndarray) -> None:
    path = weights("faces/centerface")
    detector = CenterFace(path, 0.5, 640)
    network = cv2.dnn.readNetFromONNX(str(path))
    count = 0
    for frame in real_frames:
        small = cv2.resize(frame, (640, 360), interpolation=cv2.INTER_AREA)
        network.setInput(cv2.dnn.blobFromImage(small, 1.0, (640, 384), (0, 0, 0), swapRB=False, crop=False))
        heat, scale, offset, _ = network.forward(["537", "538", "539", "540"])
        boxes = []
        for r, c in zip(*np.where(heat[0, 0] > 0.5), strict=True):
            s0, s1 = np.exp(scale[0, 0, r, c]) * 4, np.exp(scale[0, 1, r, c]) * 4
            x1 = min(max(0, (c + offset[0, 1, r, c] + 0.5) * 4 - s1 / 2), 640)
            y1 = min(max(0, (r + offset[0, 0, r, c] + 0.5) * 4 - s0 / 2), 384)
            boxes.append((heat[0, 0, r, c], x1, y1, min(x1 + s1, 640), min(y1 + s0, 384)))
        best = max(boxes, default=None)
        computed = detector(frame)
        assert (best is None) == (len(computed) == 0)
        if best is not None:
            count += 1
            expected = [best[1] * 2, best[2] * 720 / 384, (best[3] - best[1]) * 2, (best[4] - best[2]) * 720 / 384]
            np.testing.assert_allclose(computed[0, :4], expected, atol=0.01)
            assert computed[0, 4] == pytest.approx(best[0], abs=1e-5)
    assert count >= 4


@pytest.mark.parametrize("size", [(1280, 720), (530, 298)])
def test_yunet_equals_opencvs_detector(real_frames: np.ndarray, size: tuple[int, int]) -> None:
    path = weights("faces/yunet")
    detector = YuNet(path, 0.3, 640)
    reference = cv2.FaceDetectorYN.create(str(path), "", (320, 320), 0.3, 0.3, 5000)
    count = 0
    for frame in real_frames:
        image = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        factor = max(1.0, size[0] / 640)
        shrunk = cv2.resize(image, (round(size[0] / factor), round(size[1] / factor)), interpolation=cv2.INTER_AREA)
        reference.setInputSize(shrunk.shape[1::-1])
        _, expected = reference.detect(cv2.cvtColor(shrunk, cv2.COLOR_RGB2BGR))
        expected = np.empty((0, 15), np.float32) if expected is None else expected
        count += len(expected)
        computed = detector(image)
        np.testing.assert_allclose(computed[:, :4], expected[:, :4] * factor, atol=0.01)
        np.testing.assert_allclose(computed[:, 4], expected[:, 14], atol=1e-5)
    assert count >= 4


# Scenes


def test_places_preprocessing_equals_pils(real_frames: np.ndarray) -> None:
    computed = places.resize_and_crop(torch.from_numpy(real_frames).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    for frame, crop in zip(real_frames, computed, strict=True):
        image = Image.fromarray(frame).resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))
        assert np.abs(np.asarray(image).astype(int) - crop).max() <= 1


def test_places_resnet50_equals_torchvisions(real_frames: np.ndarray, tmp_path: Path) -> None:
    torch.manual_seed(0)
    reference = torchvision().models.resnet50(weights=None, num_classes=365).eval()
    path = tmp_path / "resnet50_places365.pth.tar"
    state = {f"module.{k}": v for k, v in reference.state_dict().items() if "num_batches" not in k}
    torch.save({"epoch": 90, "arch": "resnet50", "state_dict": state, "best_prec1": torch.tensor(55.0)}, path)
    crops = places.resize_and_crop(torch.from_numpy(real_frames[:2]).permute(0, 3, 1, 2))
    normalised = torchvision().transforms.functional.normalize(
        crops.float() / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    )
    with torch.inference_mode():
        classified = inputs_of(reference.fc)
        expected = reference(normalised)
        for example in (None, crops):
            logits, embedding = Compute(device="cpu").prepare_for_inference(places.load_resnet50(path), example)(crops)
            np.testing.assert_allclose(logits.numpy(), expected.numpy(), atol=1e-4)
            np.testing.assert_allclose(embedding.numpy(), classified[0].numpy(), atol=1e-4)


def test_squeezenets_embedding_is_the_mean_of_what_its_classifier_reads(real_frames: np.ndarray) -> None:
    network = places.load_squeezenet(weights("scenes/squeezenet11"))
    crops = places.resize_and_crop(torch.from_numpy(real_frames).permute(0, 3, 1, 2))
    compiled = Compute(device="cpu").prepare_for_inference(network, crops[:2])
    classified = inputs_of(network.out)
    with torch.inference_mode():
        logits, embedding = network(crops)
        compiled_logits, compiled_embedding = compiled(crops)
    assert logits.shape == (len(real_frames), 365)
    assert embedding.shape == (len(real_frames), 512)
    assert embedding.std(dim=0).max() > 0.1
    torch.testing.assert_close(embedding, classified[0].flatten(2).mean(dim=2))
    torch.testing.assert_close(compiled_logits.softmax(1), logits.softmax(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(compiled_embedding, embedding, atol=1e-4, rtol=0)


def test_places_labels_are_in_the_networks_order() -> None:
    from avcues.extractors.scenes import NAMES, categories

    assert (NAMES[0], NAMES[364], len(NAMES)) == ("airfield", "zen_garden", 365)
    indoor = {name for name, is_indoor in categories() if is_indoor}
    assert "airplane_cabin" in indoor
    assert "lawn" not in indoor
    assert len(indoor) == 160


# Objects


def test_objects_equal_ultralytics_predict(real_frames: np.ndarray, yolo_checkpoint: Path) -> None:
    extractor = Objects(ObjectsSettings(variant=str(yolo_checkpoint)))
    extractor.setup(Compute(device="cpu"))
    columns = extractor.process_frames(FrameBatch(real_frames, tuple(range(len(real_frames)))))
    from ultralytics import YOLO

    model = YOLO(str(yolo_checkpoint))
    for i, frame in enumerate(real_frames):
        expected = model.predict(frame[..., ::-1].copy(), verbose=False, device="cpu")[0].boxes
        mine = columns["detections"][FRAME] == i
        detections = columns["detections"]
        assert detections["class"][mine].tolist() == [model.names[int(c)] for c in expected.cls]
        np.testing.assert_allclose(detections["score"][mine], expected.conf.numpy(), atol=1e-4)
        boxes = np.stack([detections[k][mine] for k in ("x", "y", "width", "height")], axis=1)
        xyxy = expected.xyxy.numpy()
        np.testing.assert_allclose(boxes[:, :2], xyxy[:, :2], atol=0.05)
        np.testing.assert_allclose(boxes[:, 2:], xyxy[:, 2:] - xyxy[:, :2], atol=0.1)
    assert columns["objects"]["count_person"].sum() >= 6
    assert columns["objects"]["count_bus"][5] == 1


def test_nms_equals_opencvs() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 100, (200, 2)).astype(np.float32)
    sizes = rng.uniform(5, 40, (200, 2)).astype(np.float32)
    scores = rng.uniform(0, 1, 200).astype(np.float32)
    kept = nms(torch.from_numpy(np.concatenate([corners, corners + sizes], 1)), torch.from_numpy(scores), 0.5)
    expected = cv2.dnn.NMSBoxes(np.concatenate([corners, sizes], 1).tolist(), scores.tolist(), 0.0, 0.5)
    assert kept.tolist() == list(expected)
    assert nms(torch.empty(0, 4), torch.empty(0), 0.5).tolist() == []


def test_torchvision_can_be_used_beside_any_torch() -> None:
    package = torchvision()
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]])
    assert package.ops.nms(boxes, torch.tensor([0.5, 0.9, 0.1]), 0.5).tolist() == [1, 2]
    assert package.models.resnet18(weights=None)(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)
    assert package.transforms.v2.functional.resize(torch.zeros(3, 8, 8), [4, 4]).shape == (3, 4, 4)
