-- Every row carries a checksum over its other columns; what stands already is sealed after the migration.
ALTER TABLE space ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE episode ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE artifact ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feedback ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receipt ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE access_key ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
