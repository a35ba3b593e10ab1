-- A free seat is given to who waits, or offered for some hours where the class says so.
ALTER TABLE classes
    ADD COLUMN offer_hours integer CHECK (offer_hours BETWEEN 1 AND 720);
ALTER TABLE enrollments
    ADD COLUMN offer_expires_at timestamptz,
    ADD CONSTRAINT offers_expire CHECK ((status = 'OFFERED') = (offer_expires_at IS NOT NULL));
