"""Where networks run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from avcues.extractors.compute import _may_have_gpu

_RESOLVE = (
    "import sys; from avcues.extractors.compute import Compute; "
    "print(Compute(device=sys.argv[1]).resolved().device, 'torch' in sys.modules)"
)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_a_machine_without_a_gpu_is_known_without_loading_torch(device: str) -> None:
    if device == "auto" and _may_have_gpu():
        pytest.skip("this machine may have a GPU")
    done = subprocess.run([sys.executable, "-c", _RESOLVE, device], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["cpu", "False"]
