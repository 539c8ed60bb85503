"""Imports the library of openSMILE without the rest of its package, which imports pandas."""

from avcues.extractors.partial_import import postpone_init

postpone_init("opensmile")

from opensmile.core.lib import OpenSMILE  # noqa: E402

__all__ = ["OpenSMILE"]
