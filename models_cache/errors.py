"""The exception of weights that cannot be had."""

from avcues.errors import AvcuesError


class WeightsError(AvcuesError):
    """Weights are missing and could not be downloaded, or are not what the manifest says."""
