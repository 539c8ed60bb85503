"""How it is run: media, timeline, one decode pass, tables, Dask, command line."""
