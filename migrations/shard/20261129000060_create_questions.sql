-- Banks of questions, the questions with each version that they had, and the institution's own key.

-- Made on first use, shown by no operation, never changed: what was drawn or signed with it is drawn and verified with
-- it again, also after a move.
CREATE TABLE institution_keys (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    secret         bytea NOT NULL CHECK (octet_length(secret) = 32),
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id)
);
CALL make_tenant_table('institution_keys', 'SELECT, INSERT');

CREATE TABLE question_banks (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    name           text NOT NULL,
    description    text NOT NULL DEFAULT '',
    course_id      uuid,
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, course_id) REFERENCES courses (institution_id, id),
    CHECK ((source IS NULL) = (external_id IS NULL))
);
CREATE INDEX question_banks_by_course ON question_banks (institution_id, course_id) WHERE course_id IS NOT NULL;
CALL make_tenant_table('question_banks');

-- What does not change a question's content: where it is, whether it may be drawn, which version is the newest.
CREATE TABLE questions (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    bank_id        uuid NOT NULL,
    status         text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'RETIRED')),
    version        integer NOT NULL DEFAULT 1 CHECK (version > 0),
    source         text,
    external_id    text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, source, external_id),
    FOREIGN KEY (institution_id, bank_id) REFERENCES question_banks (institution_id, id),
    CHECK ((source IS NULL) = (external_id IS NULL))
);
CREATE INDEX questions_by_bank ON questions (institution_id, bank_id, id);
CALL make_tenant_table('questions');

-- One row an edit. Nobody may change one: what a student was asked stays as it was.
CREATE TABLE question_versions (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    question_id    uuid NOT NULL,
    version        integer NOT NULL CHECK (version > 0),
    type           text NOT NULL CHECK (type IN ('SINGLE', 'TRUE_FALSE', 'MULTIPLE', 'NUMERIC', 'SHORT_TEXT', 'MATCHING',
                                                 'ORDERING', 'CLOZE', 'ESSAY', 'FILE')),
    title          text NOT NULL,
    difficulty     text NOT NULL CHECK (difficulty IN ('EASY', 'MEDIUM', 'HARD')),
    tags           text[] NOT NULL DEFAULT '{}',
    content        jsonb NOT NULL,       -- statement, parameters, constraints and body, the answer key among them
    edited_by      uuid NOT NULL,        -- users.id of who wrote it; an admin need have no row there
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, question_id, version),
    FOREIGN KEY (institution_id, question_id) REFERENCES questions (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('question_versions', 'SELECT, INSERT');
