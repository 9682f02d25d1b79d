-- Under which key of the sealing keyring the database's first mark stands: known before anything else is sealed, so that two clusters
-- or two processes that begin at once on an empty database cannot seal with a keyring each.

ALTER TABLE tenantry.backend ADD COLUMN sealed BYTEA;
ALTER TABLE tenantry.backend ADD COLUMN sealed_by TEXT;
