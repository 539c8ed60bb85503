"""Figures and tables for print: one style, every format that journals take, and the numbers beside each."""
