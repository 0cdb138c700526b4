-- The first statistics of a new generation are for questions that name an organization and a key: how many rows there are,
-- and among how many of each. 6,000 rows of each table tell that as well as 30,000, which cost a rebuild as much as all
-- indexes did; whoever wants more asks for it with ANALYZE, and autovacuum looks again when rows have changed.
ALTER FUNCTION read.attach_generation(text, integer) SET default_statistics_target = 20;
