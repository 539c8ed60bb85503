"""A look at a dataset: one self-contained HTML page per video and an index of all of them."""

FOLDER = "report"
"""Where the pages of a dataset lie, beside its tables."""
