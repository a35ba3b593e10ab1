-- Health of nodes: the control plane's own probes beside their heartbeats, and for the state that the map shows
-- since when it is so, why, and who said so.
ALTER TABLE nodes
    ADD COLUMN admin_url      text,                           -- where `/readyz` is; without it nobody probes
    ADD COLUMN signs          jsonb       NOT NULL DEFAULT '{}',  -- model::health::Signs
    ADD COLUMN probe_due_at   timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN probe_error    text,                           -- of the last probe; none when it passed
    ADD COLUMN held_by        text,
    ADD COLUMN held_by_person boolean     NOT NULL DEFAULT false,
    ADD COLUMN state_since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN state_reason   text        NOT NULL DEFAULT 'as it was before reasons were noted',
    ADD COLUMN state_by       text        NOT NULL DEFAULT 'control-plane';
