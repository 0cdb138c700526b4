-- The epoch of the lease under which a checkpoint was moved last: whoever held that lease earlier moves it no more. What
-- moves a checkpoint under no lease, but with its row locked, leaves it as it is.
ALTER TABLE read.checkpoint ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
