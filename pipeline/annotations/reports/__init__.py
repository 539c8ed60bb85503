"""Agreement and perspectives as Markdown and JSON."""
