"""From files of ratings, in any format, to a folder of ratings."""
