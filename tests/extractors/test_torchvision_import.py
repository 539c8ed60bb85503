"""Extractors get ready beside each other, and several of them want torchvision."""

from __future__ import annotations

import subprocess
import sys

_PROCESS = """
from concurrent.futures import ThreadPoolExecutor
from avcues.extractors.torchvision_import import torchvision
with ThreadPoolExecutor(4) as pool:
    found = list(pool.map(lambda _: torchvision().transforms.v2.functional.resize, range(4)))
assert len(set(found)) == 1
"""


def test_threads_that_want_it_at_once_get_the_same_module() -> None:
    subprocess.run([sys.executable, "-c", _PROCESS], check=True, timeout=120)


_COMPILER = """
import sys
from avcues.extractors.torchvision_import import torchvision
package = torchvision()
assert "torch._dynamo" not in sys.modules, "importing torch's compiler takes longer than torch itself"
import torch
network = package.models.squeezenet1_1(weights=None).eval()
exported = torch.export.export(network, (torch.zeros(2, 3, 224, 224),))  # uses the compiler
assert torch._dynamo.utils.is_compile_supported.__module__ == "torch._dynamo.utils"
assert exported.module()(torch.zeros(2, 3, 224, 224)).shape == (2, 1000)
"""


def test_torchs_compiler_is_left_out_and_works_afterwards() -> None:
    subprocess.run([sys.executable, "-c", _COMPILER], check=True, timeout=120)
