"""Exports traces and answers as a folder of ratings."""
