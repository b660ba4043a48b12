-- What the completed field's confidence was made of, each a number in [0, 1]; NULL where it was not told.
ALTER TABLE feedback ADD COLUMN memory REAL;
ALTER TABLE feedback ADD COLUMN recollected REAL;
ALTER TABLE feedback ADD COLUMN generalised REAL;
