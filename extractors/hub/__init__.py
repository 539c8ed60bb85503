"""Any model of the Hugging Face hub, or of a folder, as a feature on the half-second grid.

`options` has the options that users set, `spec` reads a model's inputs and outputs from its configuration, `networks`
loads the network, and `image`, `audio`, `video` and `text` have the extractors of the four kinds.
"""
