-- One row: which life of the store this is, its format, and what was found damaged, if anything was.
CREATE TABLE store (
    "only" smallint PRIMARY KEY CHECK ("only" = 1),
    format bigint NOT NULL,
    incarnation bytea NOT NULL,
    damage text
);
INSERT INTO store VALUES (1, 0, uuid_send(gen_random_uuid()), NULL);

-- A uid is never used twice, so a re-created space never revives data. 33554431 = 2^25 - 1, as a key has room for.
CREATE SEQUENCE space_uid MAXVALUE 33554431;

-- Names lead to uids; all else is found, and may be distributed, by the uid.
CREATE TABLE directory (
    space_id text COLLATE "C" PRIMARY KEY,
    uid bigint NOT NULL
);

-- The space's row is also its counter: who writes to the space holds it until the commit. Half of each page is left
-- free, so that counting rewrites no index.
CREATE TABLE space (
    uid bigint PRIMARY KEY,
    space_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at text NOT NULL,
    updated_at text NOT NULL,
    description text NOT NULL,
    embedding_dimensions bigint,
    field_types text NOT NULL,
    read_only bigint NOT NULL,
    episodes bigint NOT NULL,
    embeddings bigint NOT NULL,
    size_bytes bigint NOT NULL,
    missing_values text NOT NULL,
    checksum bigint NOT NULL
) WITH (fillfactor = 50);

-- key = uid << 38 | revision; place = uid << 38 | revision of creation, as in every store.
CREATE TABLE episode (
    key bigint NOT NULL,
    uid bigint NOT NULL,
    episode_id text COLLATE "C" NOT NULL,
    place bigint NOT NULL,
    created_at text NOT NULL,
    occurred_at_s double precision,
    expires_at_s double precision,
    origin text NOT NULL,
    document bytea NOT NULL,
    embedding bytea,
    checksum bigint NOT NULL,
    PRIMARY KEY (uid, key)
) PARTITION BY HASH (uid);
CREATE UNIQUE INDEX episode_by_id ON episode (uid, episode_id);
CREATE UNIQUE INDEX episode_by_place ON episode (uid, place);
CREATE INDEX episode_by_expiry ON episode (uid, expires_at_s) WHERE expires_at_s IS NOT NULL;

CREATE TABLE journal (
    key bigint NOT NULL,
    uid bigint NOT NULL,
    operation text NOT NULL,
    name text NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (uid, key)
) PARTITION BY HASH (uid);

CREATE TABLE artifact (
    uid bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    blob bytea NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (uid, name)
) PARTITION BY HASH (uid);

CREATE TABLE feedback (
    key bigint NOT NULL,
    uid bigint NOT NULL,
    feedback_id text COLLATE "C" NOT NULL,
    field text NOT NULL,
    source text NOT NULL,
    confidence double precision NOT NULL,
    is_right bigint NOT NULL,
    created_at text NOT NULL,
    memory double precision,
    recollected double precision,
    generalised double precision,
    checksum bigint NOT NULL,
    PRIMARY KEY (uid, key)
) PARTITION BY HASH (uid);
CREATE UNIQUE INDEX feedback_by_id ON feedback (uid, feedback_id);

CREATE TABLE receipt (
    scope text COLLATE "C" NOT NULL,
    uid bigint NOT NULL,
    digest bytea NOT NULL,
    outcome bytea NOT NULL,
    note bytea NOT NULL,
    recorded_at_s double precision NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (uid, scope)
) PARTITION BY HASH (uid);
CREATE INDEX receipt_by_age ON receipt (recorded_at_s);

-- Spaces that are gone but whose content still has to be erased, chunk by chunk.
CREATE TABLE erasure (
    uid bigint PRIMARY KEY
);

CREATE TABLE access_key (
    key_id text COLLATE "C" PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    actions text NOT NULL,
    spaces text,
    label text NOT NULL,
    created_at text NOT NULL,
    expires_at text,
    revoked_at text,
    checksum bigint NOT NULL
);

-- What is kept for a while; nothing durable depends on it. Places follow time closely enough for purging.
CREATE SEQUENCE completion_place;
CREATE TABLE completion (
    place bigint NOT NULL DEFAULT nextval('completion_place'),
    uid bigint NOT NULL,
    id_hash bigint NOT NULL,
    noted_at_s double precision NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (uid, id_hash)
) PARTITION BY HASH (uid);
CREATE INDEX completion_by_place ON completion (place);

CREATE TABLE cue (
    uid bigint NOT NULL,
    level bigint NOT NULL,
    amount double precision NOT NULL,
    PRIMARY KEY (uid, level)
);

-- The partitions are fixed for good: 16 of 10^8 rows each are as much as one server should hold.
DO $$
DECLARE
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['episode', 'journal', 'artifact', 'feedback', 'receipt', 'completion'] LOOP
        FOR n IN 0..15 LOOP
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                parent || '_' || lpad(n::text, 2, '0'), parent, n
            );
        END LOOP;
    END LOOP;
END
$$;
