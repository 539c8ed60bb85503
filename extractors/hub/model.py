"""The base class of the extractors for all kinds of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.embedding import embedding_columns, embedding_table
from avcues.extractors.hub.options import HubOptions
from avcues.extractors.hub.spec import ModelSpec
from avcues.extractors.protocol import Column, Columns, RowKind, Table
from avcues.models_cache.errors import WeightsError
from avcues.models_cache.hub import Repository

if TYPE_CHECKING:
    from torch import Tensor

    from avcues.extractors.hub.networks import Processor


Tables = Mapping[str, Columns]
"""Columns by table name."""


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """A resolved model: everything that its extractor needs.

    Args:
        name: Name of the feature and its table.
        options: How to use the model.
        repository: Files of the model.
        spec: Inputs and outputs of the model.
    """

    name: str
    options: HubOptions
    repository: Repository
    spec: ModelSpec


class HubExtractor(BaseExtractor):
    """A model of the hub as a feature.

    A classifier gives a column per label and `top1`: probabilities that sum to 1, or independent scores, as its
    configuration says. Any other model gives its embedding in columns `e0000`, `e0001`, ...

    Args:
        model: The model.
    """

    version = 1
    Settings = HubOptions
    precisions = ("bf16",)
    thread_safe = True
    imports = ("torch", "transformers")
    libraries: tuple[str, ...] = ("torch", "transformers", "openvino")

    def __init__(self, model: HubModel) -> None:
        self.name = model.name  # type: ignore[misc]
        self.citation = model.repository.citation  # type: ignore[misc]
        self.settings = model.options
        self.pinned_files = model.repository.files
        self.model = model
        self._network: Any = None
        self._processor: Processor | None = None

    @property
    def summary(self) -> str:
        """The model in a few words: source, kind and outputs."""
        spec, repository = self.model.spec, self.model.repository
        revision = f" at {repository.revision[:12]}" if repository.revision else ""
        outputs = f"{len(spec.labels)} labels" if spec.labels else f"embedding of {spec.width}"
        return f"{repository.source}{revision} ({spec.kind}, {outputs})"

    def __reduce__(self) -> Any:
        """A copy, here or in another process, measures the same, but loads the network again."""
        return type(self), (self.model,), {"needed_extractors": self.needed_extractors}

    def setup(self, compute: Compute) -> None:
        """Loads the network.

        Raises:
            WeightsError: The files of the model are damaged, or its outputs are no numbers.
        """
        if self._network is None:
            from avcues.extractors.hub.inference import load_for_inference
            from avcues.extractors.hub.networks import Processor

            self._compute = compute
            self._processor = Processor(self.model.repository.folder, self.model.spec)
            self._network = load_for_inference(self.model, self._processor, compute)
            self._try_out(self._processor)

    def _try_out(self, processor: Processor) -> None:
        """Checks that the network distinguishes items and computes numbers, which a damaged configuration prevents."""
        import torch

        from avcues.extractors.hub.inference import example

        items = example(self.model.spec)
        folder_name = self.model.repository.folder.name
        if self.model.spec.kind != "text" and torch.equal(processor(items[:1]), processor(items[1:])):
            raise WeightsError(
                f"model {self.name}: the preprocessing of {folder_name} makes all items alike; mend rescale_factor, "
                "image_mean and image_std in preprocessor_config.json"
            )
        if not np.isfinite(self.outputs(items[:1])).all():
            raise WeightsError(
                f"model {self.name}: the outputs of {folder_name} are no numbers; its config.json is damaged: download "
                "it again"
            )

    def outputs(self, items: list[Any]) -> npt.NDArray[np.float32]:
        """(B, width) probabilities, scores, values or embeddings, or (B, frames, width) hidden states.

        Args:
            items: Images, clips, sounds or texts, as `networks.Processor` takes them.
        """
        assert self._network is not None and self._processor is not None
        with self._compute.autocast():
            outputs: Tensor = self._network(self._processor(items).to(self._compute.device)).float()
        if self.model.spec.output == "probabilities":
            outputs = outputs.softmax(dim=-1)
        elif self.model.spec.output == "scores":
            outputs = outputs.sigmoid()
        values: npt.NDArray[np.float32] = outputs.cpu().numpy()
        return values

    def table(self, name: str, row: RowKind, subject: str, *extra_columns: Column) -> Table:
        """A table of the model's outputs.

        Args:
            subject: What the outputs describe, for the columns' meanings.
        """
        spec, source = self.model.spec, self.model.repository.source
        if not spec.labels:
            table = embedding_table(name, row, spec.width, f"embedding of {subject} by {source}")
            return Table(name=name, row=row, columns=(*extra_columns, *table.columns))
        unit, low, high = ("1", None, None) if spec.output == "values" else ("probability", 0, 1)
        columns = (
            Column(name=label, unit=unit, meaning=f"{label} for {subject}, by {source}", low=low, high=high)
            for label in spec.labels
        )
        top1 = Column(name="top1", unit="category", meaning="label of the largest value", dtype="string")
        sums_to_one = (spec.labels,) if spec.output == "probabilities" else ()
        return Table(name=name, row=row, columns=(*extra_columns, *columns, top1), sums_to_one=sums_to_one)

    def columns(self, values: npt.NDArray[np.float32]) -> Columns:
        """The columns of (rows, width) outputs; rows of NaN are missing."""
        labels = self.model.spec.labels
        if not labels:
            return embedding_columns(values)
        top1 = np.full(len(values), None, dtype=object)
        is_measured = ~np.isnan(values).any(axis=1)
        top1[is_measured] = np.array(labels, dtype=object)[values[is_measured].argmax(axis=1)]
        return {**{label: values[:, i] for i, label in enumerate(labels)}, "top1": top1}
