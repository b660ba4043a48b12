-- How far the jobs of all nodes are, for the others to tell; who runs one holds an advisory lock meanwhile.
CREATE TABLE job (
    uid bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    result bytea,
    PRIMARY KEY (uid, kind)
);
