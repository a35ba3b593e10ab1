-- The gradebook: how a class counts, who has which mark and since when, and what that came to in the end.
-- Read shard-node/src/domain/grades and domain/gradebook before changing a line.

-- Parts of a class's mark. Weights need not sum to 100: those that count are rescaled.
CREATE TABLE grading_categories (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    name           text NOT NULL,
    weight         numeric(12,4) NOT NULL CHECK (weight BETWEEN 0 AND 1000),
    drop_lowest    integer NOT NULL DEFAULT 0 CHECK (drop_lowest BETWEEN 0 AND 50),
    drop_highest   integer NOT NULL DEFAULT 0 CHECK (drop_highest BETWEEN 0 AND 50),
    position       integer NOT NULL DEFAULT 0 CHECK (position BETWEEN 0 AND 10000),
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, class_id, id),
    UNIQUE (institution_id, class_id, name),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('grading_categories');

-- From percents to letters and outcomes: of a class, or (class_id null) the institution's.
CREATE TABLE grade_scales (
    institution_id   uuid NOT NULL,
    id               uuid NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    row_version      bigint NOT NULL DEFAULT 1,
    class_id         uuid,
    name             text NOT NULL,
    bands            jsonb NOT NULL,     -- [{"label": "A", "fromPercent": "70"}, ...]
    pass_mark        numeric(12,4) NOT NULL CHECK (pass_mark BETWEEN 0 AND 100),
    distinction_mark numeric(12,4) CHECK (distinction_mark BETWEEN pass_mark AND 100),
    is_default       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (institution_id, id),
    CONSTRAINT grade_scales_one_a_class UNIQUE (institution_id, class_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id) ON DELETE CASCADE,
    CHECK (NOT is_default OR class_id IS NULL)
);
CREATE UNIQUE INDEX grade_scales_one_default ON grade_scales (institution_id) WHERE is_default;
CREATE UNIQUE INDEX grade_scales_by_name ON grade_scales (institution_id, name) WHERE class_id IS NULL;
CALL make_tenant_table('grade_scales');

-- What lateness costs: of a class, or (class_id null) for every class.
CREATE TABLE late_policies (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid,
    name           text NOT NULL,
    rate_percent   numeric(12,4) NOT NULL CHECK (rate_percent BETWEEN 0 AND 100),
    "interval"     text NOT NULL CHECK ("interval" IN ('HOUR', 'DAY')),
    floor_percent  numeric(12,4) NOT NULL DEFAULT 0 CHECK (floor_percent BETWEEN 0 AND 100),
    PRIMARY KEY (institution_id, id),
    CONSTRAINT late_policies_by_name UNIQUE NULLS NOT DISTINCT (institution_id, class_id, name),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('late_policies');

-- An assessment's category is one of its class. NOT VALID: every row has null there, and to look would need a tenant.
ALTER TABLE assessments
    ADD CONSTRAINT assessments_category_of_class FOREIGN KEY (institution_id, class_id, category_id)
        REFERENCES grading_categories (institution_id, class_id, id) NOT VALID,
    ADD CONSTRAINT assessments_late_policy FOREIGN KEY (institution_id, late_policy_id)
        REFERENCES late_policies (institution_id, id) NOT VALID;
CREATE INDEX assessments_by_category ON assessments (institution_id, category_id);
CREATE INDEX assessments_by_late_policy ON assessments (institution_id, late_policy_id);

-- The mark of a student in an assessment. `score` is after the late deduction.
CREATE TABLE grades (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    assessment_id  uuid NOT NULL,
    student_id     uuid NOT NULL,
    state          text NOT NULL CHECK (state IN ('UNGRADED', 'GRADED', 'EXEMPT')),
    score          numeric(12,4) CHECK (score >= 0),
    possible       numeric(12,4) NOT NULL CHECK (possible >= 0),
    late_deduction numeric(12,4) NOT NULL DEFAULT 0 CHECK (late_deduction >= 0),
    origin         text NOT NULL CHECK (origin IN ('MANUAL', 'AUTOMATED')),
    submission_id  uuid,                -- of an automated one; the submission that decided
    grader_version text,
    submitted_at   timestamptz,
    graded_at      timestamptz,         -- when the score or exemption was given
    graded_by      uuid,                -- users.id; null where the platform did
    released_at    timestamptz,         -- when the student could see it first
    note           text,
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, assessment_id, student_id),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id),
    FOREIGN KEY (institution_id, assessment_id) REFERENCES assessments (institution_id, id),
    FOREIGN KEY (institution_id, student_id) REFERENCES students (institution_id, id),
    FOREIGN KEY (institution_id, submission_id) REFERENCES assessment_submissions (institution_id, id),
    CHECK ((state = 'GRADED') = (score IS NOT NULL)),
    CHECK (score <= possible OR possible = 0)   -- what is worth nothing is extra
);
CREATE INDEX grades_by_class ON grades (institution_id, class_id, student_id);
CREATE INDEX grades_by_submission ON grades (institution_id, submission_id) WHERE submission_id IS NOT NULL;
CREATE INDEX grades_by_student ON grades (institution_id, student_id);
CREATE INDEX grades_by_created ON grades (institution_id, created_at, id);
CREATE INDEX grades_by_day ON grades (institution_id, graded_at);
CREATE INDEX grades_by_submission_day ON grades (institution_id, submitted_at);
CALL make_tenant_table('grades', 'SELECT, INSERT, UPDATE');

-- Who changed a grade, from what to what, and why. Nothing is ever taken out of it.
CREATE TABLE grade_events (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    grade_id       uuid NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('GIVEN', 'CHANGED', 'RELEASED', 'KEPT')),  -- KEPT: an automatic one came too late
    before         jsonb,               -- null where there was none
    after          jsonb NOT NULL,      -- of KEPT: what was not taken
    actor_id       uuid,                -- users.id of who did it; null where the platform did
    reason         text,
    grade_version  bigint NOT NULL,     -- of the grade, after it
    PRIMARY KEY (institution_id, id),
    FOREIGN KEY (institution_id, grade_id) REFERENCES grades (institution_id, id)
);
CREATE INDEX grade_events_by_grade ON grade_events (institution_id, grade_id, created_at);
CALL make_tenant_table('grade_events', 'SELECT, INSERT');

-- What an enrolment came to.
CREATE TABLE class_results (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    enrollment_id  uuid NOT NULL,
    student_id     uuid NOT NULL,
    state          text NOT NULL CHECK (state IN ('FINAL', 'REOPENED')),  -- grades change only while it is reopened
    percent        numeric(12,4) CHECK (percent >= 0),
    letter         text,
    outcome        text NOT NULL CHECK (outcome IN ('PASS', 'DISTINCTION', 'FAIL', 'WITHDRAWN', 'EXEMPT', 'INCOMPLETE')),
    finalized_at   timestamptz NOT NULL,
    finalized_by   uuid,
    reason         text,                -- of the last reopening
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    CONSTRAINT class_results_one_an_enrollment UNIQUE (institution_id, enrollment_id),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id),
    FOREIGN KEY (institution_id, enrollment_id) REFERENCES enrollments (institution_id, id),
    FOREIGN KEY (institution_id, student_id) REFERENCES students (institution_id, id)
);
CREATE INDEX class_results_by_class ON class_results (institution_id, class_id, outcome);
CREATE INDEX class_results_by_student ON class_results (institution_id, student_id);
CREATE INDEX class_results_by_created ON class_results (institution_id, created_at, id);
CALL make_tenant_table('class_results', 'SELECT, INSERT, UPDATE');

-- The mark so far, of what is released: the student reads it.
ALTER TABLE progress_tracking ADD COLUMN percent numeric(12,4);

-- Marks of a week or month, as sums that add up: percents of those that were given, and how much was handed in.
ALTER TABLE weekly_reports
    ADD COLUMN submitted    bigint NOT NULL DEFAULT 0,
    ADD COLUMN graded       bigint NOT NULL DEFAULT 0,
    ADD COLUMN percent_sum  numeric(20,4) NOT NULL DEFAULT 0,
    ADD COLUMN mean_percent numeric(12,4);
ALTER TABLE monthly_metrics
    ADD COLUMN submitted    bigint NOT NULL DEFAULT 0,
    ADD COLUMN graded       bigint NOT NULL DEFAULT 0,
    ADD COLUMN percent_sum  numeric(20,4) NOT NULL DEFAULT 0,
    ADD COLUMN mean_percent numeric(12,4);

-- What was handed in on a day.
CREATE INDEX assessment_submissions_by_day ON assessment_submissions (institution_id, submitted_at)
    WHERE submitted_at IS NOT NULL;

-- What was handed in and graded in each class from one local day to another, both inclusive. As the caller, so that the
-- policies hold.
CREATE FUNCTION marks_of_days(institution uuid, first_day date, last_day date)
    RETURNS TABLE (class_id uuid, submitted bigint, graded bigint, percent_sum numeric)
    LANGUAGE sql STABLE AS $$
    WITH zone AS (
        SELECT first_day::timestamp AT TIME ZONE i.timezone AS since, (last_day + 1)::timestamp AT TIME ZONE i.timezone AS until
        FROM institutions i WHERE i.institution_id = institution AND i.id = institution
    ), work AS (
        SELECT s.class_id, 1 AS submitted, 0 AS graded, 0::numeric AS percent
        FROM assessment_submissions s, zone
        WHERE s.institution_id = institution AND s.submitted_at >= zone.since AND s.submitted_at < zone.until
        UNION ALL
        SELECT g.class_id, 1, 0, 0 FROM grades g, zone
        WHERE g.institution_id = institution AND g.submission_id IS NULL
          AND g.submitted_at >= zone.since AND g.submitted_at < zone.until
        UNION ALL
        SELECT g.class_id, 0, 1, round(g.score / g.possible * 100, 4) FROM grades g, zone
        WHERE g.institution_id = institution AND g.state = 'GRADED' AND g.possible > 0
          AND g.graded_at >= zone.since AND g.graded_at < zone.until
    )
    SELECT w.class_id, sum(w.submitted), sum(w.graded), sum(w.percent) FROM work w GROUP BY w.class_id
$$;
GRANT EXECUTE ON FUNCTION marks_of_days(uuid, date, date) TO lxp_app;
