"""Names of languages."""

from __future__ import annotations

from functools import cache


@cache
def code(language: str) -> str | None:
    """The shortest ISO 639 code of a language that is named by any code or in English, with a region or without."""
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    plain = language.replace("_", "-").partition("-")[0]
    for spelling in (plain.lower(), plain.title()):
        try:
            return Lang(spelling).pt1 or Lang(spelling).pt3 or None
        except InvalidLanguageValue:
            continue
    return None
