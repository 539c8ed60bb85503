"""openSMILE's library without the rest of its package, which imports pandas."""

from avcues.extractors.partial_import import without_init

with without_init("opensmile"):
    from opensmile.core.lib import OpenSMILE

__all__ = ["OpenSMILE"]
