"""From traces and answers to a folder of ratings."""
