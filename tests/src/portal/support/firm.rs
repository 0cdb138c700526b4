//! What happened before a story begins: a firm with its people, told through the API itself.

use super::installation::Installation;
use super::ledger::Ledger;
use super::node::Node;
use super::person::{Account, PASSWORD, Person, get};
use super::until::until;
use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

/// The short name of every story's firm.
pub(crate) const SLUG: &str = "larch";

/// A firm whose first admin has signed in.
pub(crate) struct Firm {
    // Nodes end before what they stand on is gone.
    pub(crate) nodes: Vec<Node>,
    pub(crate) admin: Person,
    pub(crate) ledger: Ledger,
    pub(crate) installation: Installation,
}

/// A person at a client, signed in.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) id: String,
    pub(crate) account: Account,
    pub(crate) person: Person,
}

/// A project with one contract line.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) line: String,
}

/// What an hour of every project costs its client, and what was agreed for a hundred: numbers that nothing else comes to.
pub(crate) const RATE: i64 = 11_337;
pub(crate) const CONTRACT: i64 = 1_105_103;

pub(crate) fn eur(minor: i64) -> Value {
    json!({ "minor": minor, "currency": "EUR" })
}

impl Firm {
    /// On the trial plan, served by one node.
    pub(crate) async fn open() -> Self {
        Self::on_plan("trial", 1).await
    }

    /// On a plan, served by so many nodes.
    pub(crate) async fn on_plan(plan: &str, nodes: usize) -> Self {
        Self::of(Installation::new().await, plan, nodes).await
    }

    /// In an installation, on a plan, served by so many nodes.
    pub(crate) async fn of(installation: Installation, plan: &str, nodes: usize) -> Self {
        let served = join_all((0..nodes).map(|_| installation.serve())).await;
        let org = register(&installation, &served[0], SLUG, plan).await;
        let admin = Person::sign_in(&served[0], &admin_of(SLUG)).await;
        let ledger = Ledger::at(&installation.database_url(), org);
        Self { nodes: served, admin, ledger, installation }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.nodes[0]
    }

    /// The admin of another firm in the same installation.
    pub(crate) async fn neighbour(&self, slug: &str) -> Person {
        self.neighbours(slug).await.0
    }

    /// The same, and the firm's ledger.
    pub(crate) async fn neighbours(&self, slug: &str) -> (Person, Ledger) {
        let org = register(&self.installation, self.node(), slug, "trial").await;
        let admin = Person::sign_in(self.node(), &admin_of(slug)).await;
        (admin, Ledger::at(&self.installation.database_url(), org))
    }

    /// Somebody of the staff, who accepted the invitation in their mail.
    pub(crate) async fn staff(&self, name: &str, level: &str) -> Guest {
        let email = format!("{}@larch.example", name.to_lowercase());
        let body = json!({ "name": name, "email": email, "level": level });
        let id = self.admin.post("/v1/staff", body).await.id();
        self.join(id, &email).await
    }

    pub(crate) async fn client(&self, name: &str) -> String {
        self.admin.post("/v1/clients", json!({ "name": name })).await.id()
    }

    /// A project that its client can see.
    pub(crate) async fn project(&self, client: &str, name: &str) -> Project {
        let project = self.hidden_project(client, name).await;
        self.admin.post(format!("/v1/projects/{}/publish", project.id), Value::Null).await.expect(200);
        project
    }

    /// The same, not shown to the client.
    pub(crate) async fn hidden_project(&self, client: &str, name: &str) -> Project {
        let line = json!({ "name": "Design", "rate": eur(RATE), "amount": eur(CONTRACT), "hours": "100" });
        let body = json!({ "client": client, "name": name, "currency": "EUR", "contract_lines": [line] });
        let id = self.admin.post("/v1/projects", body).await.id();
        let shown = self.admin.get(format!("/v1/projects/{id}")).await.expect(200).json();
        let line = shown["contract_lines"][0]["contract_line"].as_str().unwrap().to_owned();
        Project { id, client: client.to_owned(), line }
    }

    /// Somebody at a project's client, with rights on it, who accepted the invitation in their mail.
    pub(crate) async fn guest(&self, name: &str, project: &Project, rights: &[&str]) -> Guest {
        let place = json!({ "project": project.id, "rights": rights });
        let (id, email) = self.invite(name, &project.client, json!([place])).await;
        self.join(id, &email).await
    }

    /// Somebody who is invited, and has not accepted yet.
    pub(crate) async fn invite(&self, name: &str, client: &str, projects: Value) -> (String, String) {
        let email = format!("{}@clients.example", name.to_lowercase());
        let person = json!({ "client": client, "name": name, "email": email, "projects": projects });
        let reply = self.admin.post("/v1/invitations", json!({ "people": [person] })).await.expect(200);
        let id = reply.json()["items"][0]["ids"]["portal_user"].as_str().unwrap().to_owned();
        (id, email)
    }

    /// Whoever was invited accepts, and signs in.
    async fn join(&self, id: String, email: &str) -> Guest {
        let letter = self.installation.letter(email, "invites you").await;
        accept(self.node(), &letter.token().unwrap()).await;
        let account = Account::new(SLUG, email);
        let person = Person::sign_in(self.node(), &account).await;
        Guest { id, account, person }
    }

    /// An invoice that the client does not see yet.
    pub(crate) async fn draft(&self, project: &Project, minor: i64) -> String {
        self.draft_of(project, project.charge(minor)).await
    }

    /// The same, with a line of one's own.
    pub(crate) async fn draft_of(&self, project: &Project, line: Value) -> String {
        let body = json!({ "project": project.id, "currency": "EUR", "lines": [line] });
        self.admin.post("/v1/invoices", body).await.id()
    }

    pub(crate) async fn invoice_in_review(&self, project: &Project, minor: i64) -> String {
        let invoice = self.draft(project, minor).await;
        self.put_in_review(&invoice).await;
        invoice
    }

    /// Asks the client to approve an invoice.
    pub(crate) async fn put_in_review(&self, invoice: &str) {
        self.admin.post(format!("/v1/invoices/{invoice}/put-in-review"), Value::Null).await.expect(200);
    }

    /// Time on a project, logged by the admin.
    pub(crate) async fn time(&self, project: &Project, hours: &str) -> String {
        let body = json!({
            "project": project.id,
            "contract_line": project.line,
            "worked_on": "2026-10-05",
            "hours": hours,
            "note": "Page templates",
        });
        self.admin.post("/v1/time-entries", body).await.id()
    }

    /// The same, put before the client.
    pub(crate) async fn submitted_time(&self, project: &Project, hours: &str) -> String {
        let entry = self.time(project, hours).await;
        self.admin.post(format!("/v1/time-entries/{entry}/submit"), Value::Null).await.expect(200);
        entry
    }

    /// Waits until every read model is up to all that has happened.
    pub(crate) async fn settle(&self) {
        settle(&self.admin, &self.ledger).await;
    }
}

impl Project {
    /// A line of an invoice, which charges so much without tax.
    pub(crate) fn charge(&self, minor: i64) -> Value {
        json!({
            "description": "Design, hours of the month",
            "quantity": "1",
            "unit_price": eur(minor),
            "tax": "22",
            "contract_line": self.line,
        })
    }
}

impl Guest {
    /// The digest of an invoice as they are shown it.
    pub(crate) async fn shown(&self, invoice: &str) -> String {
        let reply = self.person.get(format!("/v1/invoices/{invoice}")).await.expect(200);
        reply.json()["shown"].as_str().unwrap().to_owned()
    }

    /// Approves an invoice as they are shown it.
    pub(crate) async fn approve(&self, invoice: &str) {
        let shown = self.shown(invoice).await;
        self.person.post(format!("/v1/invoices/{invoice}/approve"), json!({ "shown": shown })).await.expect(200);
    }

    /// Approves time as they are shown it.
    pub(crate) async fn approve_time(&self, entry: &str) {
        let shown = self.person.get(format!("/v1/time-entries/{entry}")).await.expect(200).json()["shown"].clone();
        self.person.post(format!("/v1/time-entries/{entry}/approve"), json!({ "shown": shown })).await.expect(200);
    }
}

/// Waits until every read model of an organization is up to all that has happened in it.
pub(crate) async fn settle(admin: &Person, ledger: &Ledger) {
    let head = ledger.head().await.to_string();
    until("read models that are up to the head", async || {
        let reply = admin.send(get("/v1/me").header("min-position", head.as_str())).await;
        (reply.status == 200).then_some(())
    })
    .await;
}

/// Registers a firm at the command line; its admin follows the link that is printed.
async fn register(installation: &Installation, node: &Node, slug: &str, plan: &str) -> Uuid {
    let email = admin_of(slug).email;
    let arguments = ["org", "create", slug, "--name", "Larch & Loom", "--admin-name", "Ada Admin", "--json"];
    let more = ["--admin-email", &email, "--plan", plan, "--time-zone", "Europe/Tallinn"];
    let registered = installation.run(&[arguments.as_slice(), &more].concat());
    let registered: Value = serde_json::from_str(&registered.printed()).unwrap();
    let link = registered["invitation_link"].as_str().unwrap();
    accept(node, link.split_once('#').unwrap().1).await;
    registered["organization"].as_str().unwrap().parse().unwrap()
}

fn admin_of(slug: &str) -> Account {
    Account::new(slug, &format!("ada@{slug}.example"))
}

/// Accepts an invitation, as soon as the read models know of it.
pub(crate) async fn accept(node: &Node, token: &str) {
    let nobody = Person::nobody(node);
    until("an invitation that counts", async || {
        let reply = nobody.post("/v1/invitations/accept", json!({ "token": token, "password": PASSWORD })).await;
        (reply.status == 200).then_some(())
    })
    .await;
}
