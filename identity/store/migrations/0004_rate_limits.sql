-- Attempts that several authorities count together: when each key's allowance is whole again. Keys are digests: what was tried is
-- nobody's business.

CREATE TABLE tenantry.rate_limits (
    key TEXT PRIMARY KEY,
    whole_at BIGINT NOT NULL
);
CREATE INDEX rate_limits_whole_at ON tenantry.rate_limits (whole_at);
