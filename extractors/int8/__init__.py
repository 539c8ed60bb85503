"""Networks in 8-bit whole numbers: pinned tables of ranges, and what converts a network by them."""
