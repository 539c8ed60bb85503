"""Running avcues: media, timeline, one decode pass, tables, Dask, command line."""
