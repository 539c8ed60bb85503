"""What raters gave: the folder of ratings, series over time, chosen labels, and which series can be used."""
