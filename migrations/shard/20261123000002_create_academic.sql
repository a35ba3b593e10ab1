-- People, catalogue and classes.

CREATE TABLE users (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    username       text,
    email          text,
    given_name     text NOT NULL,
    family_name    text NOT NULL,
    timezone       text,
    auth_subject   text,
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, username),
    UNIQUE (institution_id, auth_subject),
    UNIQUE (institution_id, source, external_id)
);
CALL make_tenant_table('users');

CREATE TABLE term_systems (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    type           text NOT NULL CHECK (type IN ('SEMESTER', 'TRIMESTER', 'QUARTER', 'YEAR', 'CUSTOM')),
    terms_per_year integer NOT NULL CHECK (terms_per_year BETWEEN 1 AND 12),
    weeks_per_term integer NOT NULL CHECK (weeks_per_term BETWEEN 1 AND 52),
    anchor         text NOT NULL CHECK (anchor ~ '^[0-9]{2}-[0-9]{2}$'),  -- month-day of the first term's first day
    break_weeks    integer NOT NULL DEFAULT 0 CHECK (break_weeks BETWEEN 0 AND 26),  -- after each term
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, type, terms_per_year, weeks_per_term, anchor, break_weeks),
    CHECK (terms_per_year * (weeks_per_term + break_weeks) - break_weeks <= 52)
);
CALL make_tenant_table('term_systems');

CREATE TABLE terms (
    institution_id    uuid NOT NULL,
    id                uuid NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    row_version       bigint NOT NULL DEFAULT 1,
    term_system_id    uuid,
    code              text NOT NULL,
    name              text NOT NULL,
    starts_on         date NOT NULL,     -- local dates of the institution, both inclusive
    ends_on           date NOT NULL,
    enroll_from       date,
    enroll_until      date,
    drop_until        date,              -- the last day on which leaving is a drop
    withdraw_until    date,
    source            text,
    external_id       text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, code),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, term_system_id) REFERENCES term_systems (institution_id, id),
    CHECK (starts_on <= ends_on),
    CHECK (enroll_from <= enroll_until),
    CHECK (drop_until <= withdraw_until)
);
CREATE INDEX terms_by_system ON terms (institution_id, term_system_id);
CALL make_tenant_table('terms');

CREATE TABLE courses (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    code           text NOT NULL,
    title          text NOT NULL,
    credits        numeric(12,4) NOT NULL DEFAULT 0 CHECK (credits >= 0),
    status         text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'ARCHIVED')),
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, code),
    UNIQUE (institution_id, source, external_id)
);
CALL make_tenant_table('courses');

-- The gradable strands of a course; each course has one by default.
CREATE TABLE subjects (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    course_id      uuid NOT NULL,
    code           text NOT NULL,
    name           text NOT NULL,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, course_id, code),
    FOREIGN KEY (institution_id, course_id) REFERENCES courses (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('subjects');

CREATE TABLE curriculum_templates (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    code           text NOT NULL,
    version        integer NOT NULL CHECK (version > 0),
    body           jsonb NOT NULL,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, code, version)
);
CALL make_tenant_table('curriculum_templates', 'SELECT, INSERT');

CREATE TABLE programs (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    code           text NOT NULL,
    name           text NOT NULL,
    status         text NOT NULL DEFAULT 'DRAFT' CHECK (status IN ('DRAFT', 'ACTIVE', 'ARCHIVED')),
    credits        numeric(12,4) NOT NULL DEFAULT 0 CHECK (credits >= 0),
    term_system_id uuid NOT NULL,
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, code),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, term_system_id) REFERENCES term_systems (institution_id, id)
);
CREATE INDEX programs_by_created ON programs (institution_id, created_at, id);
CREATE INDEX programs_by_term_system ON programs (institution_id, term_system_id);
CALL make_tenant_table('programs');

-- Generated from a template, immutable: a change of template makes a later version.
CREATE TABLE curricula (
    institution_id   uuid NOT NULL,
    id               uuid NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    row_version      bigint NOT NULL DEFAULT 1,
    program_id       uuid NOT NULL,
    version          integer NOT NULL CHECK (version > 0),
    template_code    text NOT NULL,
    template_version integer NOT NULL,
    credits_required numeric(12,4) NOT NULL,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, program_id, version),
    FOREIGN KEY (institution_id, program_id) REFERENCES programs (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('curricula', 'SELECT, INSERT, DELETE');

CREATE TABLE curriculum_items (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    curriculum_id  uuid NOT NULL,
    position       integer NOT NULL,
    course_id      uuid NOT NULL,
    year           integer NOT NULL CHECK (year > 0),
    term           integer NOT NULL CHECK (term > 0),
    kind           text NOT NULL CHECK (kind IN ('CORE', 'ELECTIVE')),
    group_code     text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, curriculum_id, position),
    UNIQUE (institution_id, curriculum_id, course_id),
    FOREIGN KEY (institution_id, curriculum_id) REFERENCES curricula (institution_id, id) ON DELETE CASCADE,
    FOREIGN KEY (institution_id, course_id) REFERENCES courses (institution_id, id)
);
CREATE INDEX curriculum_items_by_course ON curriculum_items (institution_id, course_id);
CALL make_tenant_table('curriculum_items', 'SELECT, INSERT, DELETE');

CREATE TABLE course_prerequisites (
    institution_id  uuid NOT NULL,
    id              uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    row_version     bigint NOT NULL DEFAULT 1,
    course_id       uuid NOT NULL,
    prerequisite_id uuid NOT NULL,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, course_id, prerequisite_id),
    FOREIGN KEY (institution_id, course_id) REFERENCES courses (institution_id, id) ON DELETE CASCADE,
    FOREIGN KEY (institution_id, prerequisite_id) REFERENCES courses (institution_id, id),
    CHECK (course_id <> prerequisite_id)
);
CREATE INDEX course_prerequisites_by_prerequisite ON course_prerequisites (institution_id, prerequisite_id);
CALL make_tenant_table('course_prerequisites');

CREATE TABLE students (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    user_id        uuid NOT NULL,
    student_no     text NOT NULL,
    program_id     uuid,
    cohort_year    integer CHECK (cohort_year BETWEEN 1900 AND 2200),
    standing       text NOT NULL DEFAULT 'ACTIVE' CHECK (standing IN ('ACTIVE', 'LEAVE', 'GRADUATED', 'WITHDRAWN')),
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, user_id),
    UNIQUE (institution_id, student_no),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, user_id) REFERENCES users (institution_id, id),
    FOREIGN KEY (institution_id, program_id) REFERENCES programs (institution_id, id)
);
CREATE INDEX students_by_program ON students (institution_id, program_id);
CREATE INDEX students_by_created ON students (institution_id, created_at, id);
CALL make_tenant_table('students');

CREATE TABLE classes (
    institution_id    uuid NOT NULL,
    id                uuid NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    row_version       bigint NOT NULL DEFAULT 1,
    course_id         uuid NOT NULL,
    term_id           uuid NOT NULL,
    code              text NOT NULL,
    title             text NOT NULL,
    status            text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('PLANNED', 'ACTIVE', 'COMPLETED', 'CANCELLED')),
    capacity          integer NOT NULL CHECK (capacity >= 0),
    seats_taken       integer NOT NULL DEFAULT 0,
    waitlist_capacity integer NOT NULL DEFAULT 0 CHECK (waitlist_capacity >= 0),
    source            text,
    external_id       text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, term_id, code),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, course_id) REFERENCES courses (institution_id, id),
    FOREIGN KEY (institution_id, term_id) REFERENCES terms (institution_id, id),
    CONSTRAINT seats_within_capacity CHECK (seats_taken BETWEEN 0 AND capacity)
);
CREATE INDEX classes_by_course ON classes (institution_id, course_id);
CALL make_tenant_table('classes');

CREATE TABLE class_subjects (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    subject_id     uuid NOT NULL,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, class_id, subject_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id) ON DELETE CASCADE,
    FOREIGN KEY (institution_id, subject_id) REFERENCES subjects (institution_id, id)
);
CREATE INDEX class_subjects_by_subject ON class_subjects (institution_id, subject_id);
CALL make_tenant_table('class_subjects');

CREATE TABLE class_staff (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    class_id       uuid NOT NULL,
    user_id        uuid NOT NULL,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, class_id, user_id),
    FOREIGN KEY (institution_id, class_id) REFERENCES classes (institution_id, id) ON DELETE CASCADE,
    FOREIGN KEY (institution_id, user_id) REFERENCES users (institution_id, id)
);
CREATE INDEX class_staff_by_user ON class_staff (institution_id, user_id);
CALL make_tenant_table('class_staff');
