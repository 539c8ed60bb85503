"""Words that come with a video: files beside it, and subtitle streams in it."""
