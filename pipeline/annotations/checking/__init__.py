"""Whether ratings are in the right rows, and what else is wrong with them."""
