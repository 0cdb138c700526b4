-- A guest's dashboard in one round trip: names the organization to row security for the transaction in which it is asked,
-- like identity.live_sessions. It begins with the guest's places on rosters and asks for nothing that only askers of other
-- kinds need; which generation each group's readers are on is looked up once for all of its tables. `access` is what
-- read.reach says of a project: the function in domain decides, this only narrows.
CREATE FUNCTION read.dashboard(of_org uuid, guest_id uuid, at timestamptz)
RETURNS TABLE (project_id uuid, name text, client_id uuid, client_name text, currency text, manager_id uuid,
               published boolean, contract_lines jsonb, hours_used numeric, hours_approved numeric, invoiced bigint,
               changed_at timestamptz, shown_changed_at timestamptz, access jsonb,
               open_invoices bigint, awaiting_invoices bigint, awaiting_time_entries bigint)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
    named CONSTANT text := set_config('countersign.org', of_org::text, true);
    of_access    integer;
    of_approvals integer;
    of_portal    integer;
BEGIN
    SELECT min(active.generation) FILTER (WHERE active."group" = 'access'),
           min(active.generation) FILTER (WHERE active."group" = 'approvals'),
           min(active.generation) FILTER (WHERE active."group" = 'portal')
    INTO of_access, of_approvals, of_portal
    FROM read.active_generation active
    WHERE active.org_id = of_org;

    RETURN QUERY
    SELECT project.project_id, project.name, project.client_id, client.name, project.currency, project.manager_id,
           project.published, project.contract_lines, project.hours_used, project.hours_approved, project.invoiced,
           project.changed_at, project.shown_changed_at,
           jsonb_build_object(
               'subject', jsonb_build_object('status', guest.status, 'level', guest.level, 'client', guest.client_id),
               'project', jsonb_build_object(
                   'client', reached.client_id, 'manager', reached.manager_id, 'published', reached.published,
                   'grant', jsonb_build_object('rights', place.rights, 'window', jsonb_build_object(
                       'from', place.valid_from, 'until', place.valid_until)))),
           (SELECT count(*) FROM read.invoice invoice
            WHERE invoice.generation = of_portal AND invoice.org_id = of_org
              AND invoice.project_id = place.project_id AND invoice.status <> 'draft'),
           awaiting.invoices, awaiting.time_entries
    FROM read.access_grant place
    JOIN read.access_subject guest
      ON guest.generation = of_access AND guest.org_id = of_org
     AND guest.kind = 'portal_user' AND guest.subject_id = guest_id
    JOIN read.access_project reached
      ON reached.generation = of_access AND reached.org_id = of_org AND reached.project_id = place.project_id
    JOIN read.project project
      ON project.generation = of_portal AND project.org_id = of_org AND project.project_id = place.project_id
    LEFT JOIN read.client client
      ON client.generation = of_portal AND client.org_id = of_org AND client.client_id = project.client_id
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE request.object_kind = 'invoice') AS invoices,
               count(*) FILTER (WHERE request.object_kind = 'time_entry') AS time_entries
        FROM read.approval_request request
        WHERE request.generation = of_approvals AND request.org_id = of_org
          AND request.project_id = place.project_id AND request.standing = 'open'
          AND request.asked_by <> guest_id AND guest_id <> ALL (request.given)
          AND (request.needed_right = ANY (place.rights) OR guest_id = ANY (request.named))
    ) awaiting
    WHERE place.generation = of_access AND place.org_id = of_org AND place.portal_user_id = guest_id
      AND place.on_roster
      AND (place.valid_from IS NULL OR place.valid_from <= at) AND (place.valid_until IS NULL OR at < place.valid_until)
      AND guest.status = 'active' AND reached.published AND reached.client_id = guest.client_id
    ORDER BY project.name, project.project_id;
END $$;

REVOKE ALL ON FUNCTION read.dashboard(uuid, uuid, timestamptz) FROM public;
GRANT EXECUTE ON FUNCTION read.dashboard(uuid, uuid, timestamptz) TO countersign_app;
