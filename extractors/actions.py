"""Kinetics-400 action probabilities per shot, by I3D on clips of 64 frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute, Network, Precision
from avcues.extractors.embedding import embedding_columns, embedding_table
from avcues.extractors.int8.table import Int8Table, has_table, load_table
from avcues.extractors.protocol import ClipBatch, Column, Columns, Table

NAMES = tuple((Path(__file__).parent / "labels" / "kinetics400.txt").read_text().splitlines())

_TABLE = Table(
    name="actions",
    row="shot",
    columns=(
        *(
            Column(name=name, unit="probability", meaning=f"mean probability of {name} over the clips", low=0, high=1)
            for name in NAMES
        ),
        Column(
            name="clips",
            unit="count",
            meaning="clips of 2.56 s that were averaged; a remainder of less than 1.28 s is not measured",
            dtype="int32",
            low=1,
        ),
        Column(
            name="seen",
            unit="s",
            meaning="length of the shot that the clips show, in steps of 0.04 s",
            low=0,
        ),
        Column(name="top1", unit="category", meaning="most probable action", dtype="string"),
    ),
    sums_to_one=(NAMES,),
)


@dataclass(frozen=True)
class ActionsSettings:
    """Options of the action features.

    Args:
        variant: "i3d_rgb_imagenet" (the MuVi study's), "i3d_rgb_scratch" or "i3d_r50"; "auto" takes the first that is
            available.
    """

    variant: str = "auto"


class Actions(BaseExtractor):
    """Action probabilities of a shot: the mean over its clips of 2.56 s.

    Clips follow each other from the start of the shot. If what remains at the end is at least half a clip long, one
    more clip is taken that ends with the shot; a shorter remainder is not measured. A shot shorter than a clip is
    repeated to fill one. Frames are scaled by area averaging to a short side of 256 px; the published recipe scales
    bilinearly.
    """

    name = "actions"
    version = 2
    imports = ("torch",)
    citation = "Kinetics-400 (Kay et al. 2017, The Kinetics human action video dataset)"
    libraries = ("torch", "openvino")
    Settings = ActionsSettings
    thread_safe = True
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "variant": ("actions/i3d_rgb_imagenet", "actions/i3d_rgb_scratch", "actions/i3d_r50")
    }
    clip_frames = 64
    clip_rate_hz = 25
    short_side_px = 256
    crop_px = 224

    def __init__(self, settings: ActionsSettings = ActionsSettings()) -> None:
        self.settings = settings
        self._network: Network | None = None

    @property
    def extra_tables(self) -> Sequence[Table]:
        """Input of the classifier, averaged over a shot's clips."""
        width = 2048 if self.settings.variant == "i3d_r50" else 1024
        return (embedding_table("actions_embedding", "shot", width, "input of I3D's classifier, mean over the clips"),)

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """int8 is possible only with weights that have a table of input ranges."""
        return ("int8", "int8+fp32", "bf16") if has_table(self._asset) else ("bf16",)

    @property
    def int8_table(self) -> Int8Table | None:
        """The layers that int8 computes in 8 bits; None if the weights have no table of input ranges."""
        return load_table(self._asset) if has_table(self._asset) else None

    @property
    def _asset(self) -> str:
        return f"actions/{self.settings.variant}"

    @property
    def tables(self) -> Sequence[Table]:
        """`actions`, and the extra table if requested."""
        return self.with_extras(_TABLE)

    def setup(self, compute: Compute) -> None:
        """Loads the network."""
        if self._network is None:
            import torch

            weights = compute.weights.resolve(self._asset)
            int8_table = self.int8_table if compute.in_8_bits else None
            if int8_table is not None:
                int8_table.check(self._asset, weights.sha256)
            self._compute = compute
            example = torch.zeros(2, self.clip_frames, self.crop_px, self.crop_px, 3, dtype=torch.uint8)
            if self.settings.variant == "i3d_r50":
                from avcues.extractors.networks import i3d_resnet

                self._network = compute.load_for_inference(i3d_resnet.load, weights, example)
            else:
                from avcues.extractors.networks import inception_i3d

                head = inception_i3d.Head().requires_grad_(False)
                self._network = compute.load_for_inference(inception_i3d.load, weights, example, head, int8_table)

    def process_clips(self, batch: ClipBatch) -> npt.NDArray[np.float32]:
        """(B, 400 + E) probabilities and embeddings of (B, 64, 224, 224, 3) uint8 RGB clips; E may be 0."""
        import torch

        assert self._network is not None
        with self._compute.autocast():
            logits, embedding = self._network(torch.from_numpy(batch.clips).to(self._compute.device))
        values = [logits.softmax(dim=1), *([embedding] if self.requested_tables else ())]
        return torch.cat(values, dim=1).cpu().numpy()

    def describe_shots(
        self, means: npt.NDArray[np.float32], clip_counts: npt.NDArray[np.int32], covered_s: npt.NDArray[np.float32]
    ) -> Mapping[str, Columns]:
        """Columns of S shots from the (S, 400 + E) means over their clips."""
        probabilities, embedding = np.split(means, [len(NAMES)], axis=1)
        tables: dict[str, Columns] = {
            "actions": {
                **{name: probabilities[:, i] for i, name in enumerate(NAMES)},
                "clips": clip_counts,
                "seen": covered_s,
                "top1": np.array(NAMES, dtype=object)[probabilities.argmax(axis=1)],
            }
        }
        if self.requested_tables:
            tables["actions_embedding"] = embedding_columns(embedding)
        return tables
