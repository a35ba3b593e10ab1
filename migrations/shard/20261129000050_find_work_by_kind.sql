-- Ids of institutions with due work, and nothing else. Taking the work then opens the tenant's transaction.
--
-- `what` is one of relay (events whose caches were not raised once more, keys past their time), events (without a
-- number), jobs (due, leases that ran out, ended ones past their time) and schedules (to look at, as of a clock that is
-- handed in); null is any of them. Each asks for its own: so none is told of what is another's, and how much of one
-- there is hides nothing of the others.
--
-- Fair: whoever is left out this time has the same chance next time. One institution with 100,000 due jobs hides nobody:
-- where the first due jobs of all are not all there are, institutions are walked from a random one on, a step each,
-- however many jobs they have. Without such a backlog nobody walks: institutions whose jobs are for later cost nothing.
--
-- Planned each time for how many are asked for, and by index in its order: a plan of a table that nobody has analysed
-- would gather all that is due, to sort it.
DROP FUNCTION work_ready(integer);
CREATE FUNCTION work_ready(at_most integer, what text DEFAULT NULL, as_of timestamptz DEFAULT now())
    RETURNS TABLE (institution_id uuid)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    CASE what
    WHEN 'relay' THEN
        RETURN QUERY
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
        LIMIT at_most;
    WHEN 'events' THEN
        RETURN QUERY
        WITH RECURSIVE unnumbered (institution_id, steps) AS (
            (SELECT e.institution_id, 1 FROM public.outbox_events e
              WHERE e.seq IS NULL ORDER BY e.institution_id LIMIT 1)
            UNION ALL
            SELECT (SELECT e.institution_id FROM public.outbox_events e
                     WHERE e.seq IS NULL AND e.institution_id > u.institution_id ORDER BY e.institution_id LIMIT 1),
                   u.steps + 1
            FROM unnumbered u WHERE u.institution_id IS NOT NULL AND u.steps < 20 * at_most
        )
        SELECT o.institution_id FROM unnumbered u
        JOIN public.ownership o ON o.institution_id = u.institution_id AND o.state IN ('active', 'closing')
        ORDER BY random() LIMIT at_most;
    WHEN 'jobs' THEN
        RETURN QUERY
        WITH RECURSIVE first_due AS MATERIALIZED (
            SELECT j.institution_id FROM public.jobs j
            WHERE j.state = 'QUEUED' AND j.run_at <= now() ORDER BY j.run_at LIMIT 4 * at_most
        ), start AS MATERIALIZED (
            SELECT o.institution_id FROM public.ownership o
            WHERE o.version >= (SELECT floor(random() * max(version)) FROM public.ownership)
              AND (SELECT count(*) FROM first_due) >= 4 * at_most
            ORDER BY o.version LIMIT 1
        ), walk (institution_id, run_at, is_round, steps) AS (
            SELECT s.institution_id, NULL::timestamptz, false, 0 FROM start s
            UNION ALL
            SELECT next.institution_id, next.run_at, w.is_round OR next.institution_id <= w.institution_id, w.steps + 1
            FROM walk w
            CROSS JOIN LATERAL (
                (SELECT j.institution_id, j.run_at FROM public.jobs j
                  WHERE j.state = 'QUEUED' AND j.institution_id > w.institution_id
                  ORDER BY j.institution_id, j.run_at LIMIT 1)
                UNION ALL
                (SELECT j.institution_id, j.run_at FROM public.jobs j
                  WHERE j.state = 'QUEUED' ORDER BY j.institution_id, j.run_at LIMIT 1)
                LIMIT 1
            ) next
            WHERE w.steps < 20 * at_most
              AND NOT (w.is_round AND w.institution_id >= (SELECT s.institution_id FROM start s))
        )
        SELECT due.institution_id
        FROM (
            SELECT f.institution_id FROM first_due f
            UNION
            SELECT w.institution_id FROM walk w WHERE w.run_at <= now()
            UNION
            (SELECT j.institution_id FROM public.jobs j
              WHERE j.state = 'RUNNING' AND j.leased_until < now() ORDER BY j.leased_until LIMIT 4 * at_most)
            UNION
            (SELECT j.institution_id FROM public.jobs j
              WHERE j.keep_until < now() ORDER BY j.keep_until LIMIT 4 * at_most)
        ) due
        -- Not joined: a plan that began with all institutions would cost as many steps.
        WHERE (SELECT o.state FROM public.ownership o WHERE o.institution_id = due.institution_id)
            IN ('active', 'closing')
        ORDER BY random() LIMIT at_most;
    WHEN 'schedules' THEN
        -- The longest due first. A suspended institution is looked at when it is back.
        RETURN QUERY
        SELECT s.institution_id
        FROM public.job_schedules s
        JOIN public.ownership o ON o.institution_id = s.institution_id AND o.state IN ('active', 'closing')
        JOIN public.institutions i ON i.institution_id = s.institution_id AND i.id = s.institution_id AND i.status = 'ACTIVE'
        WHERE s.enabled AND s.next_at <= as_of
        GROUP BY s.institution_id ORDER BY min(s.next_at) LIMIT at_most;
    ELSE
        IF what IS NOT NULL THEN
            RAISE EXCEPTION 'no such work: % (relay, events, jobs, schedules)', what USING ERRCODE = '22023';
        END IF;
        RETURN QUERY
        SELECT any_of.institution_id
        FROM unnest(ARRAY['relay', 'events', 'jobs', 'schedules']) AS kind
        CROSS JOIN LATERAL public.work_ready(at_most, kind, as_of) AS any_of
        GROUP BY any_of.institution_id ORDER BY random() LIMIT at_most;
    END CASE;
END $$;
ALTER FUNCTION work_ready(integer, text, timestamptz) OWNER TO lxp_definer;
REVOKE EXECUTE ON FUNCTION work_ready(integer, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION work_ready(integer, text, timestamptz) TO lxp_app, lxp_definer;
