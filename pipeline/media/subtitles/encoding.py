"""Decodes text files of unknown encoding."""

from __future__ import annotations

import codecs

from avcues.pipeline.errors import MediaError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(content: bytes) -> tuple[str, str]:
    """The text of a file, and its encoding if that had to be guessed, else an empty string.

    Raises:
        MediaError: The file is not text.
    """
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    guessed = ""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(content).best()
        if best is None:
            raise MediaError("is not text in any known encoding; save it as UTF-8") from None
        text, guessed = str(best), best.encoding
    if "\0" in text:
        raise MediaError("holds zero bytes and is not text; save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n"), guessed
