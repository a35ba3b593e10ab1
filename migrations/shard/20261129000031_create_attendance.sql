-- Attendance: codes, sessions, marks, check-in by a short code, and what a class and day come to.

CREATE TABLE attendance_codes (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    code           text NOT NULL,
    name           text NOT NULL,
    counts_as      numeric(12,4) CHECK (counts_as BETWEEN 0 AND 1),  -- present so far; null: left out of rates
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, code)
);
CALL make_tenant_table('attendance_codes');

CREATE TABLE attendance_sessions (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    held_on        date NOT NULL,        -- local date of the institution
    starts_at      timestamptz,
    ends_at        timestamptz,
    title          text,
    status         text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'CLOSED', 'CANCELLED')),
    check_in_salt  bytea,                -- the code itself is nowhere: SHA-256 of salt and code
    check_in_hash  bytea,
    check_in_until timestamptz,
    PRIMARY KEY (institution_id, id),
    CONSTRAINT attendance_sessions_one_a_time UNIQUE NULLS NOT DISTINCT (institution_id, class_id, held_on, starts_at),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id),
    CHECK (starts_at <= ends_at),
    CHECK (num_nonnulls(check_in_salt, check_in_hash, check_in_until) IN (0, 3))
);
CREATE INDEX attendance_sessions_by_day ON attendance_sessions (institution_id, held_on, class_id);
CALL make_tenant_table('attendance_sessions');

CREATE TABLE attendance_records (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    session_id     uuid NOT NULL,
    enrollment_id  uuid NOT NULL,
    student_id     uuid NOT NULL,
    code_id        uuid NOT NULL,
    note           text,
    method         text NOT NULL CHECK (method IN ('MARKED', 'CHECK_IN')),
    marked_by      uuid NOT NULL,        -- users.id of who did it; an admin need have no row there
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, session_id, student_id),
    FOREIGN KEY (institution_id, session_id) REFERENCES attendance_sessions (institution_id, id),
    FOREIGN KEY (institution_id, enrollment_id) REFERENCES enrollments (institution_id, id),
    FOREIGN KEY (institution_id, student_id) REFERENCES students (institution_id, id),
    FOREIGN KEY (institution_id, code_id) REFERENCES attendance_codes (institution_id, id)
);
CREATE INDEX attendance_records_by_code ON attendance_records (institution_id, code_id);
CREATE INDEX attendance_records_by_student ON attendance_records (institution_id, student_id);
CREATE INDEX attendance_records_by_enrollment ON attendance_records (institution_id, enrollment_id);
CALL make_tenant_table('attendance_records', 'SELECT, INSERT, UPDATE');

-- Tries of a student at the code that is open now.
CREATE TABLE attendance_tries (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    session_id     uuid NOT NULL,
    student_id     uuid NOT NULL,
    tries          integer NOT NULL CHECK (tries > 0),
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, session_id, student_id),
    FOREIGN KEY (institution_id, session_id) REFERENCES attendance_sessions (institution_id, id) ON DELETE CASCADE,
    FOREIGN KEY (institution_id, student_id) REFERENCES students (institution_id, id) ON DELETE CASCADE
);
CREATE INDEX attendance_tries_by_student ON attendance_tries (institution_id, student_id);
CALL make_tenant_table('attendance_tries');

-- Computed from the records by UPDATE_CLASS_ATTENDANCE, whole each time.
CREATE TABLE class_attendance_stats (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    held_on        date NOT NULL,
    sessions       bigint NOT NULL,
    enrolled       bigint NOT NULL,      -- students who were in the class on that day
    marked         bigint NOT NULL,      -- records
    counted        bigint NOT NULL,      -- records whose code counts
    present        numeric(12,4) NOT NULL,
    rate           numeric(12,4),        -- present of counted; null of nothing
    by_code        jsonb NOT NULL,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, class_id, held_on),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id) ON DELETE CASCADE
);
CREATE INDEX class_attendance_stats_by_day ON class_attendance_stats (institution_id, held_on);
CALL make_tenant_table('class_attendance_stats');

-- As before, and with the codes that a school begins with.
CREATE OR REPLACE FUNCTION institution_furnish(institution uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_schedules (institution_id, id, kind, cadence)
        SELECT institution, gen_random_uuid(), kind, cadence
        FROM (VALUES ('DAILY_ATTENDANCE', 'DAILY'), ('WEEKLY_REPORTS', 'WEEKLY'), ('MONTHLY_METRICS', 'MONTHLY'))
             AS schedule (kind, cadence)
        ON CONFLICT (institution_id, kind) DO NOTHING;
    INSERT INTO attendance_codes (institution_id, id, code, name, counts_as)
        SELECT institution, gen_random_uuid(), code, name, counts_as
        FROM (VALUES ('PRESENT', 'Present', 1), ('LATE', 'Late', 1), ('ABSENT', 'Absent', 0), ('EXCUSED', 'Excused', NULL))
             AS standard (code, name, counts_as)
        ON CONFLICT (institution_id, code) DO NOTHING;
END $$;
CALL furnish_all();
