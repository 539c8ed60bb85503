"""Any model of the Hugging Face hub, or of a folder, as a feature on the half-second grid.

`options` has the options of users, `facts` reads a model's inputs and outputs from its configuration, `networks` loads
it, and `image`, `audio`, `video` and `text` are the extractors of the four kinds.
"""
