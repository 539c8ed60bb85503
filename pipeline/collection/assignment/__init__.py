"""Decides the clip and setup that a rater gets next."""

from avcues.pipeline.collection.assignment.filling import Cell, least_filled, ratings_left
from avcues.pipeline.collection.assignment.orders import every_setup, repetitions, videos_of_rounds

__all__ = ["Cell", "every_setup", "least_filled", "ratings_left", "repetitions", "videos_of_rounds"]
