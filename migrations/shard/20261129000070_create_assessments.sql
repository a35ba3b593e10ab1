-- Assessments: what is asked, who sat it when, what was answered, and what that came to.

CREATE TABLE assessments (
    institution_id     uuid NOT NULL,
    id                 uuid NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    row_version        bigint NOT NULL DEFAULT 1,
    class_id           uuid NOT NULL,
    subject_id         uuid,             -- null: it counts for every subject of the class
    title              text NOT NULL,
    instructions       text,
    kind               text,             -- the institution's own word, such as TMA, CMA or EXAM
    grading_type       text NOT NULL CHECK (grading_type IN ('AUTOMATED', 'MANUAL')),
    status             text NOT NULL DEFAULT 'DRAFT' CHECK (status IN ('DRAFT', 'PUBLISHED', 'CLOSED')),
    points_possible    numeric(12,4) NOT NULL CHECK (points_possible >= 0),
    opens_at           timestamptz,
    due_at             timestamptz,      -- later than this is late
    closes_at          timestamptz,      -- later than this is too late
    time_limit_s       integer CHECK (time_limit_s > 0),
    max_attempts       integer NOT NULL DEFAULT 1 CHECK (max_attempts > 0),
    attempt_policy     text NOT NULL DEFAULT 'BEST' CHECK (attempt_policy IN ('BEST', 'LAST', 'FIRST', 'AVERAGE')),
    category_id        uuid,
    late_policy_id     uuid,
    release_policy     text NOT NULL DEFAULT 'IMMEDIATE'
                           CHECK (release_policy IN ('IMMEDIATE', 'AFTER_CLOSE', 'MANUAL')),
    released_at        timestamptz,      -- when scores were released for all; of IMMEDIATE, when it was closed
    counts             boolean NOT NULL DEFAULT true,
    blueprint          jsonb,            -- null: nothing is sat here, scores are entered
    revision           integer NOT NULL DEFAULT 0,   -- raised by each blueprint
    materials_status   text NOT NULL DEFAULT 'NONE' CHECK (materials_status IN ('NONE', 'PENDING', 'READY', 'FAILED')),
    materials_problems jsonb,            -- why they could not be made; nothing of a key
    published_at       timestamptz,
    closed_at          timestamptz,
    source             text,
    external_id        text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id),
    FOREIGN KEY (institution_id, class_id, subject_id)
        REFERENCES class_subjects (institution_id, class_id, subject_id),
    CHECK (opens_at <= due_at AND due_at <= closes_at AND opens_at <= closes_at),
    CHECK ((status = 'DRAFT') = (published_at IS NULL)),
    CHECK ((status = 'CLOSED') = (closed_at IS NOT NULL)),
    CHECK ((blueprint IS NULL) = (materials_status = 'NONE'))
);
CREATE INDEX assessments_by_class ON assessments (institution_id, class_id, status);
CREATE INDEX assessments_by_subject ON assessments (institution_id, subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX assessments_by_created ON assessments (institution_id, created_at, id);
CALL make_tenant_table('assessments');

-- What a revision is drawn from: the questions as they were, and their keys. Nobody changes it.
CREATE TABLE assessment_materials (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    assessment_id  uuid NOT NULL,
    revision       integer NOT NULL,
    blueprint      jsonb NOT NULL,
    pool           jsonb NOT NULL,       -- with the keys: it leaves the server for nobody
    hash           bytea NOT NULL CHECK (length(hash) = 32),   -- SHA-256 of both
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, assessment_id, revision),
    FOREIGN KEY (institution_id, assessment_id) REFERENCES assessments (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('assessment_materials', 'SELECT, INSERT');

-- What is different for one student. Null: as for everybody.
CREATE TABLE assessment_overrides (
    institution_id     uuid NOT NULL,
    id                 uuid NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    row_version        bigint NOT NULL DEFAULT 1,
    assessment_id      uuid NOT NULL,
    student_id         uuid NOT NULL,
    opens_at           timestamptz,
    due_at             timestamptz,
    closes_at          timestamptz,
    extra_time_percent integer CHECK (extra_time_percent BETWEEN 0 AND 300),
    extra_attempts     integer CHECK (extra_attempts BETWEEN 0 AND 100),
    note               text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, assessment_id, student_id),
    FOREIGN KEY (institution_id, assessment_id) REFERENCES assessments (institution_id, id) ON DELETE CASCADE,
    FOREIGN KEY (institution_id, student_id) REFERENCES students (institution_id, id)
);
CREATE INDEX assessment_overrides_by_student ON assessment_overrides (institution_id, student_id);
CREATE INDEX assessment_overrides_by_created ON assessment_overrides (institution_id, created_at, id);
CALL make_tenant_table('assessment_overrides');

-- An attempt, from its start to its return. Whoever saves answers raises row_version: If-Match goes by it.
CREATE TABLE assessment_submissions (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    assessment_id  uuid NOT NULL,
    class_id       uuid NOT NULL,
    enrollment_id  uuid NOT NULL,
    student_id     uuid NOT NULL,
    attempt        integer NOT NULL CHECK (attempt > 0),
    revision       integer NOT NULL,     -- of the materials
    items          integer NOT NULL CHECK (items >= 0),   -- of the paper: i1 to i<items>
    status         text NOT NULL DEFAULT 'IN_PROGRESS'
                       CHECK (status IN ('IN_PROGRESS', 'SUBMITTED', 'IN_REVIEW', 'GRADED', 'RETURNED')),
    started_at     timestamptz NOT NULL,
    deadline_at    timestamptz,          -- null: nothing ends it but its student
    answers        jsonb NOT NULL DEFAULT '{}',
    saved_at       timestamptz,
    submitted_at   timestamptz,          -- the server's receipt; of what was swept, its deadline
    submitted_by   text CHECK (submitted_by IN ('STUDENT', 'DEADLINE')),
    answers_hash   bytea CHECK (length(answers_hash) = 32),
    receipt        bytea CHECK (length(receipt) = 32),
    raw_score      numeric(12,4),
    possible       numeric(12,4),
    late_deduction numeric(12,4),
    score          numeric(12,4),        -- after lateness; null until every item has points
    grader_version text,
    graded_at      timestamptz,
    returned_at    timestamptz,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, assessment_id, student_id, attempt),
    FOREIGN KEY (institution_id, assessment_id) REFERENCES assessments (institution_id, id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id),
    FOREIGN KEY (institution_id, enrollment_id) REFERENCES enrollments (institution_id, id),
    FOREIGN KEY (institution_id, student_id) REFERENCES students (institution_id, id),
    CHECK ((status = 'IN_PROGRESS') = (submitted_at IS NULL)),
    CHECK (num_nonnulls(submitted_at, submitted_by, answers_hash, receipt) IN (0, 4)),
    CHECK ((status IN ('GRADED', 'RETURNED')) = (score IS NOT NULL))
);
CREATE UNIQUE INDEX assessment_submissions_one_in_progress ON assessment_submissions
    (institution_id, assessment_id, student_id) WHERE status = 'IN_PROGRESS';
CREATE INDEX assessment_submissions_due ON assessment_submissions (institution_id, assessment_id, deadline_at)
    WHERE status = 'IN_PROGRESS';
CREATE INDEX assessment_submissions_by_status ON assessment_submissions (institution_id, assessment_id, status);
CREATE INDEX assessment_submissions_by_class ON assessment_submissions (institution_id, class_id);
CREATE INDEX assessment_submissions_by_enrollment ON assessment_submissions (institution_id, enrollment_id, assessment_id);
CREATE INDEX assessment_submissions_by_student ON assessment_submissions (institution_id, student_id);
CREATE INDEX assessment_submissions_by_created ON assessment_submissions (institution_id, created_at, id);
CALL make_tenant_table('assessment_submissions', 'SELECT, INSERT, UPDATE');
-- A row is saved again and again: what is dead in it must not pile up.
ALTER TABLE assessment_submissions SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
                                        autovacuum_vacuum_threshold = 1000);

-- The paper of one student's attempt, and its key.
CREATE TABLE assessment_variants (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    submission_id  uuid NOT NULL,
    paper          jsonb NOT NULL,
    key            jsonb NOT NULL,       -- it leaves the server after release alone
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, submission_id),
    FOREIGN KEY (institution_id, submission_id) REFERENCES assessment_submissions (institution_id, id)
);
CALL make_tenant_table('assessment_variants', 'SELECT, INSERT');

CREATE TABLE submission_item_scores (
    institution_id   uuid NOT NULL,
    id               uuid NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    row_version      bigint NOT NULL DEFAULT 1,
    submission_id    uuid NOT NULL,
    item             text NOT NULL,
    question_id      uuid NOT NULL,
    question_version integer NOT NULL,
    points           numeric(12,4) NOT NULL CHECK (points >= 0),
    possible         numeric(12,4) NOT NULL CHECK (possible >= 0),
    state            text NOT NULL CHECK (state IN ('SCORED', 'UNANSWERED', 'INVALID', 'REVIEW')),
    given_by         text NOT NULL CHECK (given_by IN ('GRADER', 'PERSON')),   -- what a person gave, no grader changes
    scored_by        uuid,               -- users.id of that person
    comment          text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, submission_id, item),
    FOREIGN KEY (institution_id, submission_id) REFERENCES assessment_submissions (institution_id, id)
);
CALL make_tenant_table('submission_item_scores', 'SELECT, INSERT, UPDATE');

-- Keys as they were corrected after an assessment was sat. The newest one counts for whatever is graded after it.
CREATE TABLE assessment_regrades (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    assessment_id  uuid NOT NULL,
    number         integer NOT NULL CHECK (number > 0),
    questions      jsonb NOT NULL,       -- newest versions of the pool's questions, with their keys
    full_credit    uuid[] NOT NULL DEFAULT '{}',   -- questions for which everybody has full points
    asked_by       uuid NOT NULL,
    done_up_to     uuid,                 -- submissions up to this id are graded by it
    examined       integer NOT NULL DEFAULT 0,
    changed        integer NOT NULL DEFAULT 0,
    finished_at    timestamptz,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, assessment_id, number),
    FOREIGN KEY (institution_id, assessment_id) REFERENCES assessments (institution_id, id)
);
CALL make_tenant_table('assessment_regrades', 'SELECT, INSERT, UPDATE');
