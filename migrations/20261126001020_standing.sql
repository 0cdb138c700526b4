-- How many of these groups have an organization's rows up to a position, and how many of them are parked before it, and
-- so will not have them: in one round trip, because everybody who waits for their own change asks it, and perhaps again.
-- Names the organization to row security for the transaction in which it is asked, like identity.live_sessions.
CREATE FUNCTION read.standing(of_org uuid, of_groups text[], at_least bigint)
RETURNS TABLE (there bigint, parked bigint)
LANGUAGE plpgsql STABLE ROWS 1
AS $$
DECLARE
    named CONSTANT text := set_config('countersign.org', of_org::text, true);
BEGIN
    RETURN QUERY
    SELECT count(*) FILTER (WHERE checkpoint.position >= at_least),
           count(*) FILTER (WHERE stuck.position <= at_least)
    FROM read.active_generation active
    LEFT JOIN read.checkpoint checkpoint
      ON checkpoint.org_id = active.org_id AND checkpoint."group" = active."group"
     AND checkpoint.generation = active.generation
    LEFT JOIN read.parked stuck
      ON stuck.org_id = active.org_id AND stuck."group" = active."group" AND stuck.generation = active.generation
    WHERE active.org_id = of_org AND active."group" = ANY (of_groups);
END $$;

REVOKE ALL ON FUNCTION read.standing(uuid, text[], bigint) FROM public;
GRANT EXECUTE ON FUNCTION read.standing(uuid, text[], bigint) TO countersign_app;
