"""How a rater's rating of a clip depends on the setup: what text, sound and picture each convey."""
