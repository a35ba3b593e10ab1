-- Enrolment: who is in a class, what happened, how far they are.

CREATE TABLE enrollments (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    student_id     uuid NOT NULL,
    status         text NOT NULL CHECK (status IN ('PENDING', 'ACTIVE', 'WAITLISTED', 'OFFERED', 'SUSPENDED',
                       'COMPLETED', 'DROPPED', 'WITHDRAWN', 'CANCELLED', 'EXPIRED', 'REJECTED')),
    waitlist_place bigint,           -- rises within a class; the lowest waiting one is first
    enrolled_on    date NOT NULL,    -- local date of the institution
    ended_on       date,             -- when it was dropped or withdrawn
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id),
    FOREIGN KEY (institution_id, student_id) REFERENCES students (institution_id, id),
    CHECK ((status = 'WAITLISTED') = (waitlist_place IS NOT NULL))
);
CREATE UNIQUE INDEX enrollments_one_live ON enrollments (institution_id, class_id, student_id)
    WHERE status IN ('PENDING', 'ACTIVE', 'WAITLISTED', 'OFFERED', 'SUSPENDED');
CREATE INDEX enrollments_by_class ON enrollments (institution_id, class_id, status);
CREATE INDEX enrollments_by_student ON enrollments (institution_id, student_id);
CREATE INDEX enrollments_by_created ON enrollments (institution_id, created_at, id);
CREATE UNIQUE INDEX enrollments_waitlist ON enrollments (institution_id, class_id, waitlist_place)
    WHERE status = 'WAITLISTED';
CALL make_tenant_table('enrollments', 'SELECT, INSERT, UPDATE');

CREATE TABLE enrollment_events (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    enrollment_id  uuid NOT NULL,
    from_status    text,
    to_status      text NOT NULL,
    effective_on   date NOT NULL,
    actor_id       uuid,             -- users.id of who did it; null where the platform did
    reason         text,
    PRIMARY KEY (institution_id, id),
    FOREIGN KEY (institution_id, enrollment_id) REFERENCES enrollments (institution_id, id)
);
CREATE INDEX enrollment_events_by_enrollment ON enrollment_events (institution_id, enrollment_id);
CALL make_tenant_table('enrollment_events', 'SELECT, INSERT');

CREATE TABLE progress_tracking (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    enrollment_id  uuid NOT NULL,
    subject_id     uuid NOT NULL,
    status         text NOT NULL DEFAULT 'NOT_STARTED' CHECK (status IN ('NOT_STARTED', 'IN_PROGRESS', 'COMPLETED')),
    completed      numeric(12,4) NOT NULL DEFAULT 0 CHECK (completed BETWEEN 0 AND 1),  -- a fraction
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, enrollment_id, subject_id),
    FOREIGN KEY (institution_id, enrollment_id) REFERENCES enrollments (institution_id, id),
    FOREIGN KEY (institution_id, subject_id) REFERENCES subjects (institution_id, id)
);
CREATE INDEX progress_tracking_by_subject ON progress_tracking (institution_id, subject_id);
CALL make_tenant_table('progress_tracking');
