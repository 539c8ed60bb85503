"""Peak memory of `avcues align` on many videos: `python benchmarks/align_memory.py FEATURES [VIDEOS]`.

The videos are copies of those of a finished folder. Timelines are rewritten under their new ids; all other tables,
whose ids the join does not read, are hard links, so that a thousand videos take no space.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from avcues.pipeline.dataset.catalog import read_catalog
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.parquet import write_table
from avcues.pipeline.store.timeline_table import TIMELINE


def multiply(source: Path, target: Path, videos: int) -> None:
    """Makes a dataset of `videos` videos out of the complete ones of another."""
    catalog = read_catalog(source)
    complete = [v for v in catalog.videos if all(v in table.videos for table in catalog.tables.values())]
    (target / "dataset.json").write_bytes((source / "dataset.json").read_bytes())
    for name in catalog.tables:
        (target / name).mkdir()
    for number, video_id in enumerate(islice(cycle(complete), videos)):
        for name in catalog.tables:
            path, copy = catalog.path(name, video_id), table_path(target, name, f"v{number:06}")
            if name == TIMELINE.name:
                table = pq.read_table(path)
                renamed = table.set_column(0, "video_id", pa.array([copy.stem] * len(table), pa.string()))
                write_table(renamed.replace_schema_metadata(pq.read_metadata(path).metadata), copy)
            else:
                os.link(path, copy)


def main(source: Path, videos: int) -> None:
    """Prints size, seconds and peak memory for a file and for a folder."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        features = Path(folder) / "features"
        features.mkdir()
        multiply(source, features, videos)
        for out in (Path(folder) / "train.parquet", Path(folder) / "train"):
            started = time.perf_counter()
            command = [str(Path(sys.executable).with_name("avcues")), "align", str(features), "--out", str(out)]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - started
            files = [out] if out.is_file() else sorted(out.iterdir())
            metadata = [pq.read_metadata(file) for file in files]
            rows, columns = sum(m.num_rows for m in metadata), metadata[0].num_columns
            size = sum(file.stat().st_size for file in files)
            # The largest of all children so far, so the second figure is no smaller than the first.
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
            print(
                f"{out.name}: {videos} videos, {rows} rows x {columns} columns, {len(files)} files, {size / 1e6:.0f} MB"
            )
            print(f"{seconds:.0f} s, peak memory {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
