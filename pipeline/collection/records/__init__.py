"""What a study knows of its raters: an SQLite database beside it."""

from avcues.pipeline.collection.records.database import Database, StorageError, connect
from avcues.pipeline.collection.records.schema import DATABASE

__all__ = ["DATABASE", "Database", "StorageError", "connect"]
