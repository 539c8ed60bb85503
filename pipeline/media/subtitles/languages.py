"""Codes of languages."""

from __future__ import annotations

from functools import cache


@cache
def language_code(language: str) -> str | None:
    """The shortest ISO 639 code of a language, from any code or its English name, with or without a region."""
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    without_region = language.replace("_", "-").partition("-")[0]
    for spelling in (without_region.lower(), without_region.title()):
        try:
            return Lang(spelling).pt1 or Lang(spelling).pt3 or None
        except InvalidLanguageValue:
            continue
    return None
