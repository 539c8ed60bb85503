"""Reports on a dataset: one self-contained HTML page per video, and an index of all videos."""
