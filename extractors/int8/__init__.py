"""Networks in 8-bit integers: pinned tables of ranges, and the conversion of networks."""
