"""One module per format of files of ratings."""
