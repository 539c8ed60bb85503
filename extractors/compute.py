"""Where numbers are computed: device, precision and threads, decided in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
from threadpoolctl import threadpool_limits

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Compute:
    """What an extractor may use.

    Args:
        device: torch device string ("cpu", "cuda:0", "mps").
        precision: "fp32", or "bf16" on request.
        threads: Intra-op threads.
    """

    device: str = "cpu"
    precision: Precision = "fp32"
    threads: int = 1

    def apply(self) -> None:
        """Sets the thread counts of this process's libraries; sums, and so values, may depend on them."""
        cv2.setNumThreads(self.threads)
        threadpool_limits(limits=self.threads)
