"""Extractors: one module per feature. Arrays in, columns out; no files, no Dask."""
