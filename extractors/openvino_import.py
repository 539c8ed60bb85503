"""Imports OpenVINO without its telemetry.

`import openvino` reports to an analytics host and writes a client id to the home folder. If the package
`openvino_telemetry` cannot be imported, it uses a stub instead. So this module hides that package during the import.
"""

from __future__ import annotations

import sys
import threading
from functools import cache
from typing import Any

_TELEMETRY = "openvino_telemetry"
_lock = threading.Lock()


def openvino() -> Any:
    """The package `openvino`, imported without telemetry; any thread may call this."""
    with _lock:
        return _import_once()


def operations() -> Any:
    """OpenVINO's operations, from which models are built; any thread may call this."""
    openvino()
    import openvino.opset14 as package

    return package


def core() -> Any:
    """OpenVINO's runtime, which lives as long as the process; any thread may call this.

    A runtime gives the thread that creates it another stack for signal handlers, and frees that stack when it is
    destroyed. If another thread destroyed it, the next signal would end the process without a word.
    """
    package = openvino()
    with _lock:
        return _create_once(package)


def cpu_has_bf16() -> bool:
    """Whether this processor computes in bf16."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _create_once(package: Any) -> Any:
    return package.Core()


@cache
def _import_once() -> Any:
    telemetry = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino as package
        import openvino.tools.ovc.convert_impl
    finally:
        if telemetry is not None:
            sys.modules[_TELEMETRY] = telemetry
    # The first conversion of a type fills a table in C++ that runs Python code meanwhile. Two threads that made their
    # first inference at the same time would deadlock, so it is done here.
    package.Type.f32.to_dtype()
    return package
