"""Any model of the Hugging Face hub, or of a folder, as a feature on the half-second grid.

`options` says what users may set, `facts` finds out from a model's own configuration what it takes and gives,
`networks` loads it, and `image`, `audio` and `video` are the extractors of the three kinds.
"""
