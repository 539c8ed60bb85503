"""How data lies in a page or in a script beside it: compressed, because a film has millions of numbers, and as text."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any


def packed(content: bytes) -> str:
    """Compressed bytes in base 64; the same bytes always give the same text."""
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()


def packed_json(document: Any) -> str:
    """A document, packed; dataclasses become objects.

    Raises:
        ValueError: It has a number that JSON does not have.
    """
    return packed(json.dumps(document, separators=(",", ":"), allow_nan=False, default=vars).encode())
