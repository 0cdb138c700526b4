-- Which builds may work on this schema: those that know this migration, and all newer ones. While nodes are replaced one
-- after the other, those of the version before go on, and may be started again; a migration that takes away what an
-- older build needs moves the mark.
CREATE TABLE public.countersign_oldest_build (
    -- There is one mark.
    only_row  boolean NOT NULL DEFAULT true,
    migration bigint  NOT NULL,
    CONSTRAINT countersign_oldest_build_pk PRIMARY KEY (only_row),
    CONSTRAINT countersign_oldest_build_one_row CHECK (only_row)
);
GRANT SELECT ON public.countersign_oldest_build TO countersign_app;

-- Since then the append takes another number of arguments.
INSERT INTO public.countersign_oldest_build (migration) VALUES (20261125000400);
