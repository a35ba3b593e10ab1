-- Remarks at a student's attendance have been in events. They are personal: they do not go into a chain that is kept for
-- good (AttendanceRecord::UNRECORDED), and those that are there go out of it. Hashes are worked out again from the first
-- such event of an institution on; a head that somebody kept from behind it is not found again. Of what
-- shard-node/src/events/chain.rs covers, each field is its length and its bytes, a null one 2^32 - 1.
SET LOCAL ROLE lxp_mover;
DO $$
DECLARE
    chain record;
    event record;
    last bytea;
BEGIN
    FOR chain IN
        SELECT institution_id, min(seq) AS first FROM outbox_events
        WHERE aggregate = 'attendance_records' AND payload ? 'note' GROUP BY institution_id
    LOOP
        UPDATE outbox_events SET payload = payload - 'note'
            WHERE institution_id = chain.institution_id AND aggregate = 'attendance_records' AND payload ? 'note';
        CONTINUE WHEN chain.first IS NULL;
        SELECT hash INTO last FROM outbox_events
            WHERE institution_id = chain.institution_id AND seq = chain.first - 1;
        last := coalesce(last, decode(repeat('00', 32), 'hex'));
        FOR event IN
            SELECT * FROM outbox_events
            WHERE institution_id = chain.institution_id AND seq >= chain.first ORDER BY seq
        LOOP
            SELECT sha256(last || string_agg(coalesce(int4send(octet_length(field)) || field, '\xffffffff'), '' ORDER BY n))
                INTO last
                FROM unnest(ARRAY[
                    convert_to('lxp-event-1', 'UTF8'), uuid_send(event.institution_id), int8send(event.seq),
                    uuid_send(event.id), convert_to(event.type, 'UTF8'), convert_to(event.aggregate, 'UTF8'),
                    uuid_send(event.aggregate_id), int8send(event.aggregate_version), uuid_send(event.actor_id),
                    convert_to(event.request_id, 'UTF8'),
                    int8send((extract(epoch FROM event.created_at) * 1000000)::bigint),
                    convert_to(event.payload::text, 'UTF8')]) WITH ORDINALITY AS fields (field, n);
            UPDATE outbox_events SET hash = last
                WHERE institution_id = event.institution_id AND id = event.id;
        END LOOP;
        UPDATE event_heads SET hash = last WHERE institution_id = chain.institution_id;
    END LOOP;
END $$;
RESET ROLE;
