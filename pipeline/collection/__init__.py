"""Collects ratings of videos from raters, on the clock of the features.

`presets.py` writes a new study; `study.py` is a study that is ready to run.

| folder        | content                                                                                |
|---------------|----------------------------------------------------------------------------------------|
| `design/`     | `study.toml`: setups, ratings, questions, rounds, texts; the presets                   |
| `stimuli/`    | one file per video and setup, which begins at t = 0 and has only what the setup shows  |
| `assignment/` | the clip and setup that a rater gets next                                              |
| `records/`    | the SQLite database of the study                                                       |
| `server/`     | the pages and the routes that they request                                             |
| `export/`     | pointer traces to ratings per half second; raters, exposures and quality flags         |
| `assets/`     | scripts and styles of the browser                                                      |
"""
