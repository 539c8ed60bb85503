"""Predictions for the videos of a folder, made here or on a cluster."""
