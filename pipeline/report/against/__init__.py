"""Two folders of the same videos, such as two runs or two settings, on one axis with their difference."""
