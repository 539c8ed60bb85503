"""Weights: pinned variants, their sources, and their verification."""

from avcues.models_cache.errors import WeightsError

__all__ = ["WeightsError"]
