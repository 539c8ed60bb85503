"""Importing OpenVINO without its telemetry.

`import openvino` reports to an analytics host and writes a client id to the home folder, unless its package
`openvino_telemetry` cannot be imported: then it uses a stub of its own. So that package is hidden during the import.
"""

from __future__ import annotations

import sys
import threading
from functools import cache
from typing import Any

_TELEMETRY = "openvino_telemetry"
_lock = threading.Lock()


def openvino() -> Any:
    """The package `openvino`, imported without telemetry; for any thread."""
    with _lock:
        return _imported()


def cpu_has_bf16() -> bool:
    """Whether this processor computes in bf16."""
    return "BF16" in openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _imported() -> Any:
    loaded = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino as package
        import openvino.tools.ovc.convert_impl
    finally:
        if loaded is not None:
            sys.modules[_TELEMETRY] = loaded
    # Its first call fills a table in C++ and runs Python meanwhile: two threads that infer for the first time at once
    # would wait for each other forever.
    package.Type.f32.to_dtype()
    return package
