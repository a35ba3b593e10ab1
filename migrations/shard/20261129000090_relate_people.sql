-- Who answers for whom, where people belong, when classes meet, and what an enrolment may pass over.

-- What makes studying possible for a student: {"extraTimePercent": int, "breaks": bool, "notes": text}; null is nothing.
ALTER TABLE students ADD COLUMN accommodations jsonb;

-- A guardian is a user; the link is what lets them read a student's things, while it lasts.
CREATE TABLE guardian_links (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    guardian_id    uuid NOT NULL,
    student_id     uuid NOT NULL,
    relationship   text NOT NULL CHECK (relationship IN ('PARENT', 'GUARDIAN', 'SPONSOR', 'OTHER')),
    from_on        date,    -- local dates of the institution, both inclusive; null is no bound
    until_on       date,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, guardian_id, student_id),
    FOREIGN KEY (institution_id, guardian_id) REFERENCES users (institution_id, id),
    FOREIGN KEY (institution_id, student_id) REFERENCES students (institution_id, id),
    CHECK (from_on <= until_on)
);
CREATE INDEX guardian_links_by_student ON guardian_links (institution_id, student_id);
CREATE INDEX guardian_links_by_created ON guardian_links (institution_id, created_at, id);
CALL make_tenant_table('guardian_links');

-- Faculties, departments, chairs: a tree. That it has no circle is kept by whoever writes it, under one lock.
CREATE TABLE org_units (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    parent_id      uuid,
    code           text NOT NULL,
    name           text NOT NULL,
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, code),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, parent_id) REFERENCES org_units (institution_id, id),
    CHECK (parent_id <> id)
);
CREATE INDEX org_units_by_parent ON org_units (institution_id, parent_id);
CALL make_tenant_table('org_units');

-- Keys of new columns are NOT VALID: every row has null there, and to look would need a tenant.
ALTER TABLE user_roles
    ADD COLUMN org_unit_id uuid,
    ADD CONSTRAINT user_roles_institution_id_org_unit_id_fkey
        FOREIGN KEY (institution_id, org_unit_id) REFERENCES org_units (institution_id, id) NOT VALID;
CREATE INDEX user_roles_by_org_unit ON user_roles (institution_id, org_unit_id);

-- Where a class is held: its local times are of this zone; the institution's where null.
ALTER TABLE classes ADD COLUMN timezone text;

-- When a class meets, week by week, on its own clock. A meeting ends on the day on which it began.
CREATE TABLE class_meetings (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    weekday        text NOT NULL CHECK (weekday IN ('MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN')),
    starts         time(0) NOT NULL,
    ends           time(0) NOT NULL,
    room           text,
    from_on        date,    -- both inclusive; the term's where null
    until_on       date,
    PRIMARY KEY (institution_id, id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id) ON DELETE CASCADE,
    CHECK (starts < ends),
    CHECK (from_on <= until_on)
);
CREATE INDEX class_meetings_by_class ON class_meetings (institution_id, class_id);
CALL make_tenant_table('class_meetings');

-- A session that was made from the timetable keeps its place there: moved or cancelled, it is not made again.
ALTER TABLE attendance_sessions
    ADD COLUMN meeting_id uuid,
    ADD COLUMN planned_on date,
    ADD CONSTRAINT attendance_sessions_one_a_meeting UNIQUE (institution_id, meeting_id, planned_on),
    ADD CONSTRAINT attendance_sessions_institution_id_meeting_id_fkey
        FOREIGN KEY (institution_id, meeting_id) REFERENCES class_meetings (institution_id, id)
        ON DELETE SET NULL (meeting_id) NOT VALID;

-- What somebody passed over on purpose: codes of refusals, comma-separated. Why stands in `reason`.
ALTER TABLE enrollment_events ADD COLUMN overrode text;
