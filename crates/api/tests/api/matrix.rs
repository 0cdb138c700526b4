//! Who may do what, as a table: every operation, asked by every kind of subject, with the status that each is answered.
//!
//! Each row is run for all subjects from left to right, and the rows from top to bottom, on one world (`access_matrix`).
//! An operation without a row fails the test.

/// The columns: who asks.
pub const SUBJECTS: [&str; 10] = [
    "anonymous",
    "a guest without a grant",
    "a guest on the roster with every right",
    "a guest of another client",
    "the manager of another project",
    "the project's manager",
    "an auditor",
    "an admin",
    "an admin's token for reading",
    "the admin of another organization",
];

/// An operation, the request that asks for it, and its status for each subject. Names in braces are ids of the world;
/// `{n}` is the subject's column.
pub struct Row(pub &'static str, pub &'static str, pub &'static str, pub [u16; 10]);

/// Whoever asks, about themselves.
const OWN: [u16; 10] = [401, 200, 200, 200, 200, 200, 200, 200, 200, 200];
/// The same, where no token may.
const IN_SESSION: [u16; 10] = [401, 200, 200, 200, 200, 200, 200, 200, 403, 200];
/// Everybody of the staff reads, each in their own organization.
const DIRECTORY: [u16; 10] = [401, 404, 404, 404, 200, 200, 200, 200, 200, 200];
/// Everybody of the staff reads one thing of this organization.
const ONE_OF_DIRECTORY: [u16; 10] = [401, 404, 404, 404, 200, 200, 200, 200, 200, 404];
/// Only admins, each in their own organization.
const ADMIN: [u16; 10] = [401, 404, 404, 404, 403, 403, 403, 200, 403, 200];
/// Only admins of this organization.
const ADMIN_HERE: [u16; 10] = [401, 404, 404, 404, 403, 403, 403, 200, 403, 404];
/// Whoever sees the project, staff and guests.
const SEES_PROJECT: [u16; 10] = [401, 404, 200, 404, 404, 200, 200, 200, 200, 404];
/// Whoever of the staff sees the project.
const STAFF_SEES_PROJECT: [u16; 10] = [401, 404, 404, 404, 404, 200, 200, 200, 200, 404];
/// Whoever runs the project; others of the staff who see it may not.
const RUNS_PROJECT: [u16; 10] = [401, 404, 404, 404, 404, 200, 403, 200, 403, 404];
/// Whoever manages the project's guests; all of the staff know that the guests are there.
const MANAGES_GUESTS: [u16; 10] = [401, 404, 404, 404, 403, 200, 403, 200, 403, 404];
/// The guest who holds the right, and nobody of the staff.
const GUEST_DECIDES: [u16; 10] = [401, 404, 200, 404, 404, 404, 404, 404, 404, 404];
/// Open to everybody.
const OPEN: [u16; 10] = [200; 10];

pub const ROWS: &[Row] = &[
    // Operation.
    Row("GetHealth", "GET /healthz", "", OPEN),
    Row("GetReadiness", "GET /readyz", "", OPEN),
    Row("GetOpenApi", "GET /openapi.json", "", OPEN),
    // Whoever asks, about themselves.
    Row("GetMe", "GET /v1/me", "", OWN),
    Row(
        "SignIn",
        "POST /v1/sessions",
        r#"{"organization": "north-star", "email": "ada@north-star.example", "password": "tall trees sway slowly"}"#,
        [201; 10],
    ),
    Row("ListSessions", "GET /v1/sessions", "", IN_SESSION),
    Row("EndSession", "DELETE /v1/sessions/{nobody}", "", [401, 404, 404, 404, 404, 404, 404, 404, 403, 404]),
    Row("EndOtherSessions", "DELETE /v1/sessions", "", IN_SESSION),
    Row(
        "RequestPasswordReset",
        "POST /v1/password/forgotten",
        r#"{"organization": "north-star", "email": "nobody@north-star.example"}"#,
        [202; 10],
    ),
    Row("LookUpPasswordReset", "POST /v1/password/reset/lookup", r#"{"token": "none"}"#, [410; 10]),
    Row(
        "ResetPassword",
        "POST /v1/password/reset",
        r#"{"token": "none", "password": "deep rivers run silent"}"#,
        [410; 10],
    ),
    Row(
        "ChangePassword",
        "POST /v1/password/change",
        r#"{"current_password": "not this one", "new_password": "deep rivers run silent"}"#,
        [401, 403, 403, 403, 403, 403, 403, 403, 403, 403],
    ),
    Row(
        "IssueToken",
        "POST /v1/tokens",
        r#"{"name": "sync", "scopes": ["read"], "expires_at": "{soon}"}"#,
        [401, 201, 201, 201, 201, 201, 201, 201, 403, 201],
    ),
    Row("ListTokens", "GET /v1/tokens", "", IN_SESSION),
    Row("RevokeToken", "DELETE /v1/tokens/{nobody}", "", [401, 404, 404, 404, 404, 404, 404, 404, 403, 404]),
    Row("LookUpInvitation", "POST /v1/invitations/lookup", r#"{"token": "none"}"#, [410; 10]),
    Row(
        "AcceptInvitation",
        "POST /v1/invitations/accept",
        r#"{"token": "none", "password": "deep rivers run silent"}"#,
        [410; 10],
    ),
    // The firm.
    Row("GetOrganization", "GET /v1/organization", "", OWN),
    Row("ChangePlan", "PUT /v1/organization/plan", r#"{"plan": "growth"}"#, ADMIN),
    Row(
        "LocalizeOrganization",
        "PUT /v1/organization/home",
        r#"{"time_zone": "Europe/Paris", "currency": "EUR", "locale": "fr"}"#,
        ADMIN,
    ),
    Row("ListStaff", "GET /v1/staff", "", DIRECTORY),
    Row(
        "AddStaff",
        "POST /v1/staff",
        r#"{"name": "New", "email": "new@example.com", "level": "auditor"}"#,
        [401, 404, 404, 404, 403, 403, 403, 201, 403, 201],
    ),
    Row("InviteStaff", "POST /v1/staff/{invited_staff}/invitations", "", ADMIN_HERE),
    Row("SetStaffLevel", "PUT /v1/staff/{invited_staff}/level", r#"{"level": "project_manager"}"#, ADMIN_HERE),
    Row("DeactivateStaff", "POST /v1/staff/{invited_staff}/deactivate", "", ADMIN_HERE),
    Row("ReactivateStaff", "POST /v1/staff/{invited_staff}/reactivate", "", ADMIN_HERE),
    // Clients and their people.
    Row("ListClients", "GET /v1/clients", "", DIRECTORY),
    Row(
        "OpenClient",
        "POST /v1/clients",
        r#"{"name": "Client {n}"}"#,
        [401, 404, 404, 404, 403, 403, 403, 201, 403, 201],
    ),
    Row("GetClient", "GET /v1/clients/{client}", "", ONE_OF_DIRECTORY),
    Row("RenameClient", "PUT /v1/clients/{client}/name", r#"{"name": "Acme"}"#, ADMIN_HERE),
    Row("ListContacts", "GET /v1/contacts", "", DIRECTORY),
    // In another organization the client is not there: a rule, because its admins may add contacts.
    Row(
        "AddContact",
        "POST /v1/contacts",
        r#"{"client": "{client}", "name": "Con", "email": "con@example.com", "project": "{project}"}"#,
        [401, 404, 404, 404, 403, 201, 403, 201, 403, 409],
    ),
    Row(
        "InviteGuest",
        "POST /v1/invitations",
        r#"{"people": [{"client": "{client}", "name": "Inv", "email": "inv{n}@example.com",
            "projects": [{"project": "{project}"}]}]}"#,
        [401, 404, 404, 404, 403, 200, 403, 200, 403, 409],
    ),
    Row(
        "SaveGuest",
        "POST /v1/portal-users",
        r#"{"people": [{"client": "{client}", "name": "Sav", "email": "sav{n}@example.com",
            "projects": [{"project": "{project}"}]}]}"#,
        [401, 404, 404, 404, 403, 200, 403, 200, 403, 409],
    ),
    Row("ListPortalUsers", "GET /v1/portal-users", "", DIRECTORY),
    Row("GetPortalUser", "GET /v1/portal-users/{guest}", "", ONE_OF_DIRECTORY),
    Row(
        "ResendInvitation",
        "POST /v1/portal-users/{pending}/invitations",
        r#"{"project": "{project}"}"#,
        MANAGES_GUESTS,
    ),
    // Without a project there is none to manage: these are the admins'.
    Row("RevokeInvitation", "DELETE /v1/portal-users/{pending}/invitation", "", ADMIN_HERE),
    Row("DeactivatePortalUser", "POST /v1/portal-users/{spare}/deactivate", "", ADMIN_HERE),
    Row("ReactivatePortalUser", "POST /v1/portal-users/{spare}/reactivate", "", ADMIN_HERE),
    // Whoever is switched on needs the address.
    Row(
        "ReleaseMailbox",
        "DELETE /v1/portal-users/{spare}/mailbox",
        "",
        [401, 404, 404, 404, 403, 403, 403, 409, 403, 404],
    ),
    // Projects and rosters.
    Row("GetDashboard", "GET /v1/dashboard", "", [401, 200, 200, 200, 404, 404, 404, 404, 404, 404]),
    Row("ListProjects", "GET /v1/projects", "", OWN),
    Row("GetProject", "GET /v1/projects/{project}", "", SEES_PROJECT),
    Row(
        "OpenProject",
        "POST /v1/projects",
        r#"{"client": "{client}", "name": "New", "currency": "EUR"}"#,
        [401, 404, 404, 404, 403, 403, 403, 201, 403, 409],
    ),
    Row("WithdrawProject", "POST /v1/projects/{project}/withdraw", "", RUNS_PROJECT),
    Row("PublishProject", "POST /v1/projects/{project}/publish", "", RUNS_PROJECT),
    // Whoever manages a project does not give it away.
    Row(
        "AssignManager",
        "PUT /v1/projects/{project}/manager",
        r#"{"manager": "{manager}"}"#,
        [401, 404, 404, 404, 404, 403, 403, 200, 403, 404],
    ),
    Row("GetRoster", "GET /v1/projects/{project}/roster", "", STAFF_SEES_PROJECT),
    Row("AddGuest", "PUT /v1/projects/{project}/roster/{pending}", r#"{"rights": []}"#, RUNS_PROJECT),
    Row("GrantFinancialAccess", "PUT /v1/projects/{project}/roster/{pending}/financial-access", "", RUNS_PROJECT),
    Row("GrantInvoiceVisibility", "PUT /v1/projects/{project}/roster/{pending}/invoice-visibility", "", RUNS_PROJECT),
    Row("GrantInvoiceApproval", "PUT /v1/projects/{project}/roster/{pending}/invoice-approval", "", RUNS_PROJECT),
    Row("GrantAutoSend", "PUT /v1/projects/{project}/roster/{pending}/auto-send", "", RUNS_PROJECT),
    Row("GrantTimeApproval", "PUT /v1/projects/{project}/roster/{pending}/time-approval", "", RUNS_PROJECT),
    Row("WithdrawTimeApproval", "DELETE /v1/projects/{project}/roster/{pending}/time-approval", "", RUNS_PROJECT),
    Row("WithdrawAutoSend", "DELETE /v1/projects/{project}/roster/{pending}/auto-send", "", RUNS_PROJECT),
    Row("WithdrawInvoiceApproval", "DELETE /v1/projects/{project}/roster/{pending}/invoice-approval", "", RUNS_PROJECT),
    Row(
        "WithdrawInvoiceVisibility",
        "DELETE /v1/projects/{project}/roster/{pending}/invoice-visibility",
        "",
        RUNS_PROJECT,
    ),
    Row("WithdrawFinancialAccess", "DELETE /v1/projects/{project}/roster/{pending}/financial-access", "", RUNS_PROJECT),
    Row("RemoveGuest", "DELETE /v1/projects/{project}/roster/{pending}", "", RUNS_PROJECT),
    // Time.
    Row("ListTimeEntries", "GET /v1/projects/{project}/time-entries", "", SEES_PROJECT),
    Row(
        "LogTime",
        "POST /v1/time-entries",
        r#"{"project": "{project}", "contract_line": "{line}", "worked_on": "{today}", "hours": "1.5", "note": "x"}"#,
        [401, 404, 404, 404, 404, 201, 403, 201, 403, 404],
    ),
    Row("GetTimeEntry", "GET /v1/time-entries/{entry}", "", SEES_PROJECT),
    // Only its author revises, submits and recalls an entry.
    Row(
        "ReviseTime",
        "PUT /v1/time-entries/{logged}",
        r#"{"worked_on": "{today}", "hours": "2", "note": "y"}"#,
        [401, 404, 404, 404, 404, 200, 403, 403, 403, 404],
    ),
    Row("SubmitTime", "POST /v1/time-entries/{logged}/submit", "", [401, 404, 404, 404, 404, 200, 403, 403, 403, 404]),
    Row("RecallTime", "POST /v1/time-entries/{logged}/recall", "", [401, 404, 404, 404, 404, 200, 403, 403, 403, 404]),
    // Invoices.
    Row("ListInvoices", "GET /v1/invoices", "", OWN),
    Row("GetInvoice", "GET /v1/invoices/{invoice}", "", SEES_PROJECT),
    Row(
        "DraftInvoice",
        "POST /v1/invoices",
        r#"{"project": "{project}", "currency": "EUR", "lines": [{"description": "x", "quantity": "1",
            "unit_price": {"minor": 100, "currency": "EUR"}, "tax": "20"}]}"#,
        [401, 404, 404, 404, 404, 201, 403, 201, 403, 404],
    ),
    // A draft is the firm's own: to guests it is not there.
    Row(
        "ReviseInvoice",
        "PUT /v1/invoices/{draft}",
        r#"{"lines": [{"description": "y", "quantity": "2", "unit_price": {"minor": 100, "currency": "EUR"},
            "tax": "20"}]}"#,
        RUNS_PROJECT,
    ),
    Row("PutInvoiceInReview", "POST /v1/invoices/{draft}/put-in-review", "", RUNS_PROJECT),
    Row("RecallInvoice", "POST /v1/invoices/{draft}/recall", "", RUNS_PROJECT),
    // Nobody has approved it yet: a rule, for whoever may send.
    Row("SendInvoice", "POST /v1/invoices/{draft}/send", "", [401, 404, 404, 404, 404, 409, 403, 409, 403, 404]),
    // Decisions.
    Row(
        "ListAwaitingMyApproval",
        "GET /v1/awaiting-my-approval",
        "",
        [401, 200, 200, 200, 404, 404, 404, 404, 404, 404],
    ),
    Row("ApproveInvoice", "POST /v1/invoices/{invoice}/approve", r#"{"shown": "{invoice_shown}"}"#, GUEST_DECIDES),
    Row(
        "RequestInvoiceChanges",
        "POST /v1/invoices/{other_invoice}/request-changes",
        r#"{"shown": "{other_invoice_shown}", "reason": "too much"}"#,
        GUEST_DECIDES,
    ),
    Row("ApproveTime", "POST /v1/time-entries/{entry}/approve", r#"{"shown": "{entry_shown}"}"#, GUEST_DECIDES),
    Row(
        "RejectTime",
        "POST /v1/time-entries/{other_entry}/reject",
        r#"{"shown": "{other_entry_shown}", "reason": "not ours"}"#,
        GUEST_DECIDES,
    ),
    Row(
        "ApproveTimeBatch",
        "POST /v1/time-entries/approve",
        r#"{"entries": [{"time_entry": "{entry}", "shown": "{entry_shown}"}]}"#,
        GUEST_DECIDES,
    ),
    Row(
        "RejectTimeBatch",
        "POST /v1/time-entries/reject",
        r#"{"entries": [{"time_entry": "{other_entry}", "shown": "{other_entry_shown}"}], "reason": "not ours"}"#,
        GUEST_DECIDES,
    ),
    // The auditor's questions. Managers see what concerns their own projects.
    Row("ListApprovals", "GET /v1/history/approvals", "", [401, 404, 404, 404, 200, 200, 200, 200, 403, 200]),
    Row(
        "GetObjectHistory",
        "GET /v1/history/objects/invoice:{invoice}",
        "",
        [401, 404, 404, 404, 404, 200, 200, 200, 403, 404],
    ),
    // What changes.
    Row("FollowFeed", "GET /v1/feed", "", OWN),
    // Last, because it ends what lets the subjects in.
    Row("SignOut", "DELETE /v1/sessions/current", "", [401, 204, 204, 204, 204, 204, 204, 204, 403, 204]),
];
