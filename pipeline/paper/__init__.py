"""Figures and tables for print: one style, the formats that journals accept, and the numbers of each."""
