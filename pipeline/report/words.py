"""The panel of words: each word at its time, and the utterance of each window."""

from __future__ import annotations

from avcues.pipeline.report.series import Panel
from avcues.pipeline.report.video import Video


def words(video: Video) -> Panel | None:
    """Each word on the time axis, and the utterance that covers most of the window under the cursor."""
    if not (video.has("words", "word", "word_start", "word_end") and video.has("text", "text")):
        return None
    times = video.values("words", ["word_start", "word_end"]).round(3).tolist()
    spoken = [(start, end, word or "") for (start, end), word in zip(times, video.texts("words", "word"), strict=True)]
    metadata = video.tables["words"]["source"].get("words", {})
    kinds = {"sidecar": "from the file beside it", "stream": "from its subtitles", "speech": "by speech recognition"}
    return Panel(
        title="Words",
        kind="words",
        note=", ".join(filter(None, (kinds.get(metadata.get("kind", "")), metadata.get("language")))),
        words=video.texts("text", "text"),
        words_column="text.text",
        spoken=spoken,
        empty="" if spoken else "the video has no words",
    )
