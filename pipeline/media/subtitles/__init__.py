"""Words that come with a video, in files beside it or in its subtitle streams."""
