"""Compresses data to text for a page or a script beside it: a film has millions of numbers."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any


def packed(content: bytes) -> str:
    """Compressed bytes in base 64; the same bytes always give the same text."""
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()


def packed_json(document: Any) -> str:
    """A document as compressed JSON in base 64; dataclasses become objects.

    Raises:
        ValueError: It contains NaN or an infinite number.
    """
    return packed(json.dumps(document, separators=(",", ":"), allow_nan=False, default=vars).encode())
