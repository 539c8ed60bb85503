"""Which weights: pinned variants, where they come from, and the check that they are what they should be."""

from avcues.models_cache.errors import WeightsError

__all__ = ["WeightsError"]
