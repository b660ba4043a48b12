-- One row: which life of the store this is. A restored backup begins another.
CREATE TABLE store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    incarnation BLOB NOT NULL
) STRICT;
INSERT INTO store VALUES (1, randomblob(16));

-- AUTOINCREMENT: a uid is never used twice, so a re-created space never revives data.
CREATE TABLE space (
    uid INTEGER PRIMARY KEY AUTOINCREMENT,
    space_id TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    description TEXT NOT NULL,
    embedding_dimensions INTEGER,
    field_types TEXT NOT NULL,
    read_only INTEGER NOT NULL,
    episodes INTEGER NOT NULL DEFAULT 0,
    embeddings INTEGER NOT NULL DEFAULT 0,
    size_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

-- key = uid << 38 | revision: a space's episodes lie together in order of revision,
-- and a journal entry finds its episode by the same key while it still stands.
-- place = uid << 38 | revision of creation: the order of listing, kept by replacement.
CREATE TABLE episode (
    key INTEGER PRIMARY KEY,
    uid INTEGER NOT NULL,
    episode_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    occurred_at_s REAL,
    expires_at_s REAL,
    origin TEXT NOT NULL,
    document BLOB NOT NULL,
    embedding BLOB
) STRICT;
CREATE UNIQUE INDEX episode_by_id ON episode (uid, episode_id);
CREATE UNIQUE INDEX episode_by_place ON episode (place);
CREATE INDEX episode_by_expiry ON episode (uid, expires_at_s) WHERE expires_at_s IS NOT NULL;

CREATE TABLE journal (
    key INTEGER PRIMARY KEY,
    operation TEXT NOT NULL,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE artifact (
    uid INTEGER NOT NULL,
    name TEXT NOT NULL,
    blob BLOB NOT NULL,
    PRIMARY KEY (uid, name)
) STRICT;

-- What an idempotent commit did: numbers and times, never content, so that nothing
-- of a forgotten episode lingers here.
CREATE TABLE receipt (
    scope TEXT PRIMARY KEY,
    uid INTEGER NOT NULL,
    digest BLOB NOT NULL,
    outcome BLOB NOT NULL,
    note BLOB NOT NULL,
    recorded_at_s REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_by_age ON receipt (recorded_at_s);
CREATE INDEX receipt_by_space ON receipt (uid);

-- Spaces that are gone but whose content still has to be erased, chunk by chunk.
CREATE TABLE erasure (
    uid INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE access_key (
    key_id TEXT PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    actions TEXT NOT NULL,
    spaces TEXT,
    label TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
) STRICT;
