-- What a transaction leaves for afterwards: events, and the answers kept under idempotency keys.

-- Written in the transaction that causes them. `seq` is numbered after commit, without gaps for an
-- institution; `aggregate_version` orders the changes of one thing.
CREATE TABLE outbox_events (
    institution_id    uuid NOT NULL,
    id                uuid NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    row_version       bigint NOT NULL DEFAULT 1,
    type              text NOT NULL,
    aggregate         text NOT NULL,
    aggregate_id      uuid NOT NULL,
    aggregate_version bigint NOT NULL,
    payload           jsonb NOT NULL,
    touches           text[] NOT NULL,   -- cached entities that the change makes stale
    relayed_at        timestamptz,       -- when their cache generations were raised once more, after commit
    seq               bigint,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, seq)
);
CREATE INDEX outbox_events_by_aggregate ON outbox_events (institution_id, aggregate, aggregate_id);
CREATE INDEX outbox_events_due ON outbox_events (created_at) WHERE relayed_at IS NULL;
CALL make_tenant_table('outbox_events', 'SELECT, INSERT, UPDATE');

CREATE TABLE idempotency_keys (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    principal      uuid NOT NULL,
    key            text NOT NULL,
    request_hash   bytea NOT NULL,   -- SHA-256 of operation and input
    answer         jsonb,            -- null only inside the transaction that runs
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, principal, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
CALL make_tenant_table('idempotency_keys');

-- Ids of institutions with due work, and nothing else. Taking the work then opens the tenant's transaction.
CREATE FUNCTION work_ready(at_most integer) RETURNS TABLE (institution_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.institution_id
    FROM (
        (SELECT e.institution_id FROM public.outbox_events e
          WHERE e.relayed_at IS NULL AND e.created_at < now() - interval '2 seconds'
          ORDER BY e.created_at LIMIT 10 * at_most)
        UNION
        (SELECT k.institution_id FROM public.idempotency_keys k
          WHERE k.created_at < now() - interval '24 hours' ORDER BY k.created_at LIMIT 10 * at_most)
    ) due
    JOIN public.ownership o ON o.institution_id = due.institution_id AND o.state IN ('active', 'closing')
    LIMIT at_most
$$;
ALTER FUNCTION work_ready(integer) OWNER TO lxp_definer;
REVOKE EXECUTE ON FUNCTION work_ready(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION work_ready(integer) TO lxp_app;

