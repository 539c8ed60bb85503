"""How far raters agree, and whether that depends on the setup, the clip or the rater."""
