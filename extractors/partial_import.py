"""Imports modules without running the `__init__` of their package, which may import much that is not needed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_lock = threading.RLock()


def postpone_init(package: str) -> None:
    """Makes the `__init__` of a package run when an attribute of the package is first needed, not when it is imported.

    Until then, importing one of its modules costs only that module. Code that imports the package itself, at any time
    and in any thread, gets the complete package. A package that was imported before is not changed.

    Args:
        package: Name of a top-level package. The modules that are imported before its `__init__` runs must not need it.
    """
    _finder.packages.add(package)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)  # permanently: removing it could make another thread's import skip a finder
    importlib.import_module(package)


class _Finder(MetaPathFinder):
    """Finds the packages whose `__init__` is postponed, and gives them a loader that does so."""

    def __init__(self) -> None:
        self.packages: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in self.packages else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


_finder = _Finder()


class _Loader(Loader):
    """Stands in for a package's own loader until the package's `__init__` has run."""

    def __init__(self, package_loader: Loader) -> None:
        self._package_loader = package_loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._package_loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__loader__ = module.__spec__.loader = self._package_loader
        module.__class__ = _Postponed


class _Postponed(ModuleType):
    """A package whose `__init__` runs at the first access to an attribute that it lacks."""

    _is_running: bool

    def __getattr__(self, name: str) -> Any:
        with _lock:
            is_first_access = type(self) is _Postponed and "_is_running" not in vars(self)
            if is_first_access:
                self._is_running = True
                try:
                    assert isinstance(self.__loader__, Loader)
                    self.__loader__.exec_module(self)
                finally:
                    del self._is_running
                self.__class__ = ModuleType  # type: ignore[assignment]
            elif name not in vars(self):
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self, name)
