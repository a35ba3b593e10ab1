-- What a user is in the institution: coordinators (ADMIN, STAFF) hear of new programs, for example. A token's roles
-- stay the ceiling of what a caller may do; nothing is authorised by these rows yet.

CREATE TABLE user_roles (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    user_id        uuid NOT NULL,
    role           text NOT NULL CHECK (role IN ('ADMIN', 'STAFF', 'INSTRUCTOR', 'STUDENT', 'GUARDIAN')),
    from_on        date,    -- local dates of the institution, both inclusive; null is no bound
    until_on       date,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, user_id, role),
    FOREIGN KEY (institution_id, user_id) REFERENCES users (institution_id, id) ON DELETE CASCADE,
    CHECK (from_on <= until_on)
);
CREATE INDEX user_roles_by_role ON user_roles (institution_id, role);
CALL make_tenant_table('user_roles');

-- Lists are read in this order.
CREATE INDEX users_by_created ON users (institution_id, created_at, id);
CREATE INDEX users_by_email ON users (institution_id, email);
