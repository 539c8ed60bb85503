"""From a folder of videos to raters' ratings on the clock of the features.

`presets.py` writes a new study; `study.py` is one that is ready to run.

| folder        | what it holds                                                                          |
|---------------|----------------------------------------------------------------------------------------|
| `design/`     | `study.toml`: setups, what is rated, questions, rounds, texts; the presets             |
| `stimuli/`    | one file per video and setup, which begins at t = 0 and holds only what the setup shows |
| `assignment/` | which clip a rater gets next, in which setup                                           |
| `records/`    | the SQLite database beside the study, and what is written to it                        |
| `server/`     | the pages and the addresses that they ask                                              |
| `export/`     | from pointer traces to ratings per half second, raters, exposures, quality flags       |
| `assets/`     | what runs in the browser                                                               |
"""
