//! The imported cases behind each exception, and behind each refusal of our approval engine.

use crate::audit::Inquiry;
use crate::failure::Failure;
use countersign_domain::ids::CaseId;
use countersign_domain::values::Label;
use countersign_projections::imported::case::{CaseFilter, CaseView, list};
use countersign_projections::{Limit, PageRequest};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Codes, each with the cases behind it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Exceptions {
    /// What an auditor wants to look at.
    exceptions: BTreeMap<String, Cases>,
    /// What our approval engine would have refused.
    refusals: BTreeMap<String, Cases>,
}

/// The cases behind a code.
#[derive(Debug, Default, Serialize)]
struct Cases {
    /// How many.
    count: u64,
    /// Which, by log and name.
    cases: Vec<Case>,
}

#[derive(Clone, Debug, Serialize)]
struct Case {
    /// The log that it stands in.
    log: Label,
    /// What it is called there.
    name: String,
    /// What the ledger calls it.
    id: CaseId,
}

/// Lists the cases behind each code, in all logs.
pub(crate) async fn exceptions(inquiry: &Inquiry<'_>) -> Result<Exceptions, Failure> {
    inquiry.bring_up(&["cases"]).await?;
    let limit = Limit::try_from(u64::from(Limit::MOST)).expect("the longest page is a page");
    let mut page = PageRequest { after: None, limit };
    let mut found = Exceptions::default();
    loop {
        let cases = list(inquiry.pool, &inquiry.scope(), inquiry.now, &CaseFilter::default(), &page)
            .await
            .map_err(|error| Failure::because("the imported cases could not be read", error))?;
        cases.items.iter().for_each(|case| found.take(case));
        match cases.next {
            Some(next) => page.after = Some(next),
            None => return Ok(found),
        }
    }
}

impl Exceptions {
    fn take(&mut self, view: &CaseView) {
        let case = Case { log: view.log.clone(), name: view.name.clone(), id: view.case };
        view.exceptions.iter().for_each(|code| self.exceptions.entry(code.clone()).or_default().take(case.clone()));
        view.refusals.iter().for_each(|code| self.refusals.entry(code.clone()).or_default().take(case.clone()));
    }
}

impl Cases {
    fn take(&mut self, case: Case) {
        self.count += 1;
        self.cases.push(case);
    }
}

/// A heading for each code, and a line for each case behind it.
impl fmt::Display for Exceptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exceptions.is_empty() && self.refusals.is_empty() {
            return writeln!(f, "no imported case wants looking at");
        }
        let of = |f: &mut fmt::Formatter<'_>, title: &str, codes: &BTreeMap<String, Cases>| {
            codes.iter().try_for_each(|(code, cases)| {
                writeln!(f, "{title} {code}: {}", counted(cases.count))?;
                cases.cases.iter().try_for_each(|case| writeln!(f, "  {}: {}  case:{}", case.log, case.name, case.id))
            })
        };
        of(f, "exception", &self.exceptions)?;
        of(f, "refusal", &self.refusals)
    }
}

fn counted(cases: u64) -> String {
    if cases == 1 { "1 case".to_owned() } else { format!("{cases} cases") }
}
