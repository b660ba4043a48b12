-- What stands for no value in a space, besides blank text: a JSON list of texts.
ALTER TABLE space ADD COLUMN missing_values TEXT NOT NULL DEFAULT '[]';
