-- Deferred constraint triggers run at COMMIT, where taking the head's row lock makes versions contiguous in
-- commit order. SECURITY DEFINER with a fixed search_path: whoever changes a row need not be able to write marks.

CREATE OR REPLACE FUNCTION tenantry.mark() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := TG_ARGV[0];
    keys text[] := '{}';
    next bigint;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        keys := keys || (to_jsonb(OLD) ->> TG_ARGV[1]);
    END IF;
    IF TG_OP <> 'DELETE' AND NOT (to_jsonb(NEW) ->> TG_ARGV[1]) = ANY (keys) THEN
        keys := keys || (to_jsonb(NEW) ->> TG_ARGV[1]);
    END IF;
    FOR i IN 1 .. cardinality(keys) LOOP
        UPDATE tenantry.directory_head SET version = version + 1 RETURNING version INTO next;
        INSERT INTO tenantry.directory_changes (version, kind, key, nonce)
            VALUES (next, kind, keys[i], replace(gen_random_uuid()::text, '-', ''));
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tenantry.mark_everything() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next bigint;
BEGIN
    UPDATE tenantry.directory_head SET version = version + 1 RETURNING version INTO next;
    INSERT INTO tenantry.directory_changes (version, kind, key, nonce)
        VALUES (next, 'everything', '', replace(gen_random_uuid()::text, '-', ''));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tenantry.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only';
END $$;

REVOKE ALL ON FUNCTION tenantry.mark(), tenantry.mark_everything(), tenantry.refuse_change() FROM PUBLIC;
