-- What weeks and months come to. Written whole by WEEKLY_REPORTS and MONTHLY_METRICS; written again, they are the same.

-- A row a class, and one of the whole institution (class_id null), for a week from Monday to Sunday.
CREATE TABLE weekly_reports (
    institution_id  uuid NOT NULL,
    id              uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    row_version     bigint NOT NULL DEFAULT 1,
    week_start      date NOT NULL CHECK (extract(isodow FROM week_start) = 1),
    class_id        uuid,
    enrolled        bigint NOT NULL,     -- students at the end of the week; of the institution: each once
    joined          bigint NOT NULL,     -- enrolments that began
    dropped         bigint NOT NULL,     -- enrolments that were dropped or withdrawn
    sessions        bigint NOT NULL,
    counted         bigint NOT NULL,
    present         numeric(16,4) NOT NULL,
    attendance_rate numeric(12,4),
    PRIMARY KEY (institution_id, id),
    CONSTRAINT weekly_reports_one_a_week UNIQUE NULLS NOT DISTINCT (institution_id, week_start, class_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id) ON DELETE CASCADE
);
CREATE INDEX weekly_reports_by_class ON weekly_reports (institution_id, class_id, week_start);
CALL make_tenant_table('weekly_reports', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE monthly_metrics (
    institution_id        uuid NOT NULL,
    id                    uuid NOT NULL,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    row_version           bigint NOT NULL DEFAULT 1,
    month                 date NOT NULL CHECK (extract(day FROM month) = 1),
    active_students       bigint NOT NULL,   -- each once, who was in a class on a day of the month
    active_classes        bigint NOT NULL,   -- classes of its terms that are not cancelled
    enrollments_made      bigint NOT NULL,
    enrollments_dropped   bigint NOT NULL,
    enrollments_completed bigint NOT NULL,
    completion_rate       numeric(12,4),     -- completed of all that were live in the month
    sessions              bigint NOT NULL,
    counted               bigint NOT NULL,
    present               numeric(16,4) NOT NULL,
    attendance_rate       numeric(12,4),
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, month)
);
CALL make_tenant_table('monthly_metrics', 'SELECT, INSERT, UPDATE');

-- Joins and leaves of a week or month are found by their day.
CREATE INDEX enrollment_events_by_day ON enrollment_events (institution_id, effective_on);
