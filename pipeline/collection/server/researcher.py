"""What the researcher's page asks."""

from __future__ import annotations

from starlette.routing import Route


def routes() -> list[Route]:
    """The addresses."""
    return []
