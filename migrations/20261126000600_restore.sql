-- What a restored database says of itself: from which backup it came, and whether it is whole. While it is not, no build
-- works on it.
CREATE TABLE public.countersign_restore (
    -- There is one restore, into a database that was empty.
    only_row    boolean     NOT NULL DEFAULT true,
    -- The moment that the backup shows.
    taken_at    timestamptz NOT NULL,
    began_at    timestamptz NOT NULL DEFAULT now(),
    -- Null as long as something may be missing.
    finished_at timestamptz,
    CONSTRAINT countersign_restore_pk PRIMARY KEY (only_row),
    CONSTRAINT countersign_restore_one_row CHECK (only_row)
);
GRANT SELECT ON public.countersign_restore TO countersign_app;
