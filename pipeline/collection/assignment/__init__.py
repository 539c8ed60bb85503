"""Which clip a rater gets next, in which setup."""

from avcues.pipeline.collection.assignment.filling import Cell, least_filled, places_left
from avcues.pipeline.collection.assignment.orders import every_setup, repetitions, videos_of_rounds

__all__ = ["Cell", "every_setup", "least_filled", "places_left", "repetitions", "videos_of_rounds"]
