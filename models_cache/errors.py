"""The exception for weights that are missing or wrong."""

from avcues.errors import AvcuesError


class WeightsError(AvcuesError):
    """Weights are missing and could not be downloaded, or are not what the manifest says."""
