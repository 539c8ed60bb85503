"""Long datasets out of short ones."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from avcues.pipeline.media.source import fingerprint
from avcues.pipeline.store.documents import write_json
from avcues.pipeline.store.parquet import METADATA_KEY, write_table


def tile_dataset(source: Path, out: Path, video_id: str, times: int, video: Path | None = None) -> None:
    """Writes a dataset of one video that is `times` repetitions of `video_id`.

    Args:
        video: The file that the new tables are to be of; None: one that is gone.
    """
    pinned = json.loads((source / "dataset.json").read_text())
    status = json.loads((source / "_status" / f"{video_id}.json").read_text())
    timeline = pq.read_table(source / "timeline" / f"{video_id}.parquet")
    shots = pq.read_table(source / "shots" / f"{video_id}.parquet").num_rows
    windows, length = timeline.num_rows, timeline["end"][-1].as_py()
    by = {"window": windows, "start": length, "end": length, "pts": length, "shot": shots}
    by |= {"first_window": windows, "last_window": windows}
    for name in pinned["tables"]:
        path = source / name / f"{video_id}.parquet"
        table = pq.read_table(path)
        tiled = table.take(np.tile(np.arange(table.num_rows), times))
        repetition = np.repeat(np.arange(times), table.num_rows)
        for column in by.keys() & set(table.column_names):
            moved = pc.add(tiled[column], pa.array(repetition * by[column]).cast(tiled[column].type))
            tiled = tiled.set_column(tiled.column_names.index(column), column, moved)
        metadata = json.loads(pq.read_metadata(path).metadata[METADATA_KEY])
        if video is not None:
            metadata["source"] |= {"name": video.name, "fingerprint": fingerprint(video)}
        tiled = tiled.replace_schema_metadata({METADATA_KEY: json.dumps(metadata)})
        write_table(tiled, out / name / f"{video_id}.parquet")
    status |= {"source": str(video or "gone.mp4"), "windows": windows * times, "duration_s": length * times}
    write_json(status, out / "_status" / f"{video_id}.json")
    write_json(pinned, out / "dataset.json")


def tile_video(source: Path, path: Path, times: int) -> Path:
    """Muxes `times` repetitions of a file's video stream, as coded."""
    with av.open(str(path), "w") as target:
        stream = None
        for k in range(times):
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                stream = stream or target.add_stream_from_template(video)
                for packet in container.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts += k * video.duration
                    packet.dts += k * video.duration
                    packet.stream = stream
                    target.mux(packet)
    return path
