"""Which weights: pinned variants, where they come from, and the check that they are what they should be."""

from avcues.models_cache.errors import AvcuesError, WeightsError, nearest

__all__ = ["AvcuesError", "WeightsError", "nearest"]
