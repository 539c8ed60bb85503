"""Which models there are, and what each is: one module per family, listed in `registry`."""
