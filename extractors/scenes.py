"""Places365 scene probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute, Network, Precision
from avcues.extractors.embedding import embedding_columns, embedding_table
from avcues.extractors.protocol import Column, Columns, FrameBatch, Table


@cache
def categories() -> tuple[tuple[str, bool], ...]:
    """(name, is indoor) of the 365 categories, in the network's order."""
    lines = (Path(__file__).parent / "labels" / "places365.txt").read_text().splitlines()
    return tuple((name[len("/a/") :], place_type == "1") for name, place_type in (line.split() for line in lines))


NAMES = tuple(name for name, _ in categories())

_TABLE = Table(
    name="scenes",
    row="window",
    columns=(
        *(
            Column(name=name, unit="probability", meaning=f"softmax probability of Places365 {name}", low=0, high=1)
            for name in NAMES
        ),
        Column(name="indoor", unit="probability", meaning="probability mass of the indoor categories", low=0, high=1),
        Column(name="top1", unit="category", meaning="most probable category", dtype="string"),
    ),
    sums_to_one=(NAMES,),
)


@dataclass(frozen=True)
class ScenesSettings:
    """Options of the scene features.

    Args:
        variant: "resnet50" (the MuVi study's) or "squeezenet11" (small); "auto" takes the first that is available.
    """

    variant: str = "auto"


class Scenes(BaseExtractor):
    """Scene probabilities of a frame, resized to 256 x 256 and centre-cropped to 224 as in the published demo."""

    name = "scenes"
    version = 2
    imports = ("torch",)
    libraries = ("torch", "torchvision", "openvino")
    citation = "Zhou et al. 2017, Places: a 10 million image database for scene recognition"
    Settings = ScenesSettings
    thread_safe = True
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {"variant": ("scenes/resnet50", "scenes/squeezenet11")}

    def __init__(self, settings: ScenesSettings = ScenesSettings()) -> None:
        self.settings = settings
        self._network: Network | None = None

    @property
    def extra_tables(self) -> Sequence[Table]:
        """Input of the classifier."""
        width = 512 if self.settings.variant == "squeezenet11" else 2048
        return (embedding_table("scenes_embedding", "window", width, "input of the scene network's classifier"),)

    @property
    def tables(self) -> Sequence[Table]:
        """`scenes`, and the extra table if requested."""
        return self.with_extras(_TABLE)

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """bf16 for the large network only: the small one would gain little."""
        return ("bf16",) if self.settings.variant == "resnet50" else ()

    def setup(self, compute: Compute) -> None:
        """Loads the network."""
        if self._network is None:
            import torch

            from avcues.extractors.networks import places
            from avcues.extractors.torchvision_import import torchvision

            torchvision()
            load = {"resnet50": places.load_resnet50, "squeezenet11": places.load_squeezenet}[self.settings.variant]
            compute = compute if self.precisions else compute.in_fp32()
            self._compute = compute
            example = torch.zeros(2, 3, 224, 224, dtype=torch.uint8)
            weights = compute.weights.resolve(f"scenes/{self.settings.variant}").path
            self._network = compute.prepare_for_inference(load(weights), example)

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        """Classifies (B, H, W, 3) uint8 RGB frames."""
        import torch

        from avcues.extractors.networks.places import resize_and_crop

        assert self._network is not None
        images = torch.from_numpy(batch.images).to(self._compute.device).permute(0, 3, 1, 2)
        with self._compute.autocast():
            logits, embedding = self._network(resize_and_crop(images))
        probabilities = logits.float().softmax(dim=1).cpu().numpy()
        is_indoor = np.array([indoor for _, indoor in categories()])
        tables: dict[str, Columns] = {
            "scenes": {
                **{name: probabilities[:, i] for i, name in enumerate(NAMES)},
                "indoor": probabilities[:, is_indoor].sum(axis=1).clip(0, 1),
                "top1": np.array(NAMES, dtype=object)[probabilities.argmax(axis=1)],
            }
        }
        if self.requested_tables:
            tables["scenes_embedding"] = embedding_columns(embedding.float().cpu().numpy())
        return tables
