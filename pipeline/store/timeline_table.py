"""The table that every dataset has: what is on screen and audible in each window."""

from __future__ import annotations

from avcues.extractors.protocol import Column, Table

TIMELINE = Table(
    name="timeline",
    row="window",
    columns=(
        Column(name="shot", unit="1", meaning="shot on screen at the window's start", dtype="int32", low=0),
        Column(
            name="since_cut",
            unit="s",
            meaning="time since that shot began, by a cut, a dissolve or a fade",
            low=0,
        ),
        Column(
            name="cuts_10s",
            unit="count",
            meaning="pace: shots that begin within 5 s before and after the window's start, without the first shot",
            dtype="int16",
            low=0,
        ),
        Column(
            name="audio_coverage",
            unit="fraction",
            meaning="share of the window that the sound track covers; the rest is silence in the audio tables",
            low=0,
            high=1,
        ),
        Column(name="on_screen", unit="1", meaning="a frame is on screen at the window's start", dtype="bool"),
        Column(
            name="pts",
            unit="s",
            meaning="presentation time of that frame, on the clock of `start`",
            dtype="float64",
        ),
        *(
            Column(name=f"active_{side}", unit="px", meaning=f"{meaning}, over the whole file", dtype="int32", low=0)
            for side, meaning in (
                ("left", "first column of the picture between black bars"),
                ("top", "first row of the picture between black bars"),
                ("width", "width of the picture between black bars"),
                ("height", "height of the picture between black bars"),
            )
        ),
    ),
)

TIMELINE_KEYS = ("shot",)
"""Columns of the timeline by which other tables are joined."""
