-- What an operator in a cluster needs: the last request for new keys that was followed, who may write, and requests that the
-- authority follows.

ALTER TABLE tenantry.ownership ADD COLUMN rotate_seen TEXT;

-- One row a cluster: the number of the operator that leads there. A lower one may not write.
CREATE TABLE tenantry.fence (
    cluster TEXT PRIMARY KEY,
    generation BIGINT NOT NULL
);

-- Organizations whose next signing key is to be made now.
CREATE TABLE tenantry.rotation_requests (
    organization_id BIGINT PRIMARY KEY,
    requested_at BIGINT NOT NULL
);
