"""The tables of the database.

| table      | one row per                                                                                       |
|------------|---------------------------------------------------------------------------------------------------|
| `settings` | value that the study keeps, such as the token of a link                                           |
| `raters`   | rater                                                                                             |
| `answers`  | page that a rater completed, with the answers                                                     |
| `items`    | clip that a rater was given: reserved, then done; or withdrawn, so that others get it             |
| `attempts` | attempt of a rater at a clip; a reload of the page begins another attempt                         |
| `batches`  | batch of an attempt's trace, by number, so that a batch that is sent twice is stored once         |
| `exports`  | folder of an export                                                                               |

Times are seconds since 1970. Network addresses of raters are not stored.
"""

DATABASE = "study.sqlite"

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS raters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE,
    joint INTEGER NOT NULL DEFAULT 0,
    outside_id TEXT UNIQUE,
    items INTEGER,
    joined REAL NOT NULL,
    last_seen REAL NOT NULL,
    finished REAL,
    tab TEXT,
    device TEXT
);
CREATE TABLE IF NOT EXISTS answers (
    rater INTEGER NOT NULL REFERENCES raters (id) ON DELETE CASCADE,
    page TEXT NOT NULL,
    answered REAL NOT NULL,
    answers TEXT NOT NULL,
    PRIMARY KEY (rater, page)
);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY,
    rater INTEGER NOT NULL REFERENCES raters (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('practice', 'rating', 'retest')),
    round TEXT NOT NULL,
    video TEXT NOT NULL,
    setup TEXT NOT NULL,
    overlay TEXT,
    assigned REAL NOT NULL,
    done REAL,
    attempt TEXT,
    answers TEXT,
    UNIQUE (rater, place)
);
CREATE TABLE IF NOT EXISTS attempts (
    id TEXT PRIMARY KEY,
    rater INTEGER NOT NULL REFERENCES raters (id) ON DELETE CASCADE,
    item INTEGER REFERENCES items (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    began REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_of_item ON attempts (item);
CREATE TABLE IF NOT EXISTS batches (
    attempt TEXT NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    received REAL NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (attempt, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS exports (folder TEXT PRIMARY KEY, step TEXT NOT NULL, written REAL NOT NULL);
"""
