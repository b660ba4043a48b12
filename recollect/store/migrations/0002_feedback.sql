-- What callers said of completed fields: right or wrong, never a value. key = uid << 38 | revision,
-- so that it lies and is erased with its space; said again of the same field, it replaces what was said.
CREATE TABLE feedback (
    key INTEGER PRIMARY KEY,
    uid INTEGER NOT NULL,
    feedback_id TEXT NOT NULL,
    field TEXT NOT NULL,
    source TEXT NOT NULL,
    confidence REAL NOT NULL,
    is_right INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX feedback_by_id ON feedback (uid, feedback_id);
