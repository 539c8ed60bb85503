"""Correlation, concordance, weighted means of raters, coefficients of agreement and their intervals."""
