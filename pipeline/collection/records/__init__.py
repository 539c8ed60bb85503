"""The records of a study: an SQLite database in its folder."""

from avcues.pipeline.collection.records.database import Database, StorageError, connect
from avcues.pipeline.collection.records.schema import DATABASE

__all__ = ["DATABASE", "Database", "StorageError", "connect"]
