//! From a case, as its log has it, to the command that records it.

use crate::import::findings::Findings;
use chrono::{DateTime, FixedOffset, SecondsFormat, Timelike};
use countersign_canon::sha256;
use countersign_domain::envelope::{Actor, Provenance};
use countersign_domain::ids::{CaseId, CommandId, OrgId};
use countersign_domain::imported::case::{Command, ImportedCase, Step, case_id};
use countersign_domain::imported::verbatim::{NotKept, OriginalTime, Verbatim};
use countersign_domain::personal::Personal;
use countersign_domain::use_case::UseCase;
use countersign_domain::values::{Label, NotATimestamp};
use countersign_eventstore::{OrgKey, Submission};
use countersign_xes::{Attribute, Case, Value};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What amounts are called, the most exact name first.
const AMOUNTS: [&str; 5] = ["amount", "requestedamount", "requested_amount", "cost:total", "cost:amount"];

/// What all cases of one log have in common.
pub(crate) struct Importer {
    pub(crate) org: OrgId,
    pub(crate) key: OrgKey,
    pub(crate) log: Label,
    /// The errand that all its commands belong to.
    pub(crate) errand: Uuid,
}

/// A case on its way into the ledger.
pub(crate) struct CaseCommand {
    /// Which case.
    pub(crate) id: CaseId,
    /// Its name in the log.
    pub(crate) name: Verbatim,
    /// How many events the log has of it.
    pub(crate) events: u64,
    /// How many different ones: the same id twice is one step.
    pub(crate) different: u64,
    /// What is odd about it, by the log alone.
    pub(crate) findings: Findings,
    /// How much memory it takes, roughly.
    pub(crate) bytes: usize,
    pub(crate) submission: Submission,
}

/// Why a case that could be read cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("the case's name cannot be kept")]
    Name(#[source] NotKept),
    #[error("the {what} of event {event} cannot be kept")]
    Text { event: usize, what: &'static str, source: NotKept },
    #[error("the time of event {event} cannot be kept")]
    Time { event: usize, source: NotATimestamp },
}

impl Importer {
    /// The command that records a case. The same case with the same events is the same command again.
    pub(crate) fn command(&self, case: Case) -> Result<CaseCommand, Unfit> {
        let name = Verbatim::parse(&case.id).map_err(Unfit::Name)?;
        let steps = self.steps(&case)?;
        // The digest is keyed: it tells nothing of whoever is erased later.
        let content = serde_json::to_vec(&(&self.log, &name, &steps)).expect("a case has string keys and serializes");
        let digest = self.key.request(&content);
        let mut ids = HashSet::new();
        let different: Vec<&Step> = steps.iter().filter(|step| ids.insert(&step.id)).collect();
        let id = case_id(self.org, &self.log, &name);
        Ok(CaseCommand {
            id,
            events: steps.len() as u64,
            different: different.len() as u64,
            findings: Findings::of(&self.log, &different),
            bytes: content.len(),
            submission: self.submission(&digest, id, name.clone(), steps),
            name,
        })
    }

    fn submission(&self, digest: &[u8], id: CaseId, case: Verbatim, steps: Vec<Step>) -> Submission {
        let command_id = CommandId(Uuid::new_v5(&self.org.0, &[b"import_case:", digest].concat()));
        let record = Command::Record { log: self.log.clone(), case, steps };
        let use_case = UseCase::single::<ImportedCase>("ImportCase", id, record);
        let mut submission = Submission::new(self.org, command_id, Actor::Importer, digest.to_vec(), use_case);
        submission.correlation_id = self.errand;
        submission.provenance = Provenance::Imported { source: self.log.to_string(), original_time: None };
        submission
    }

    fn steps(&self, case: &Case) -> Result<Vec<Step>, Unfit> {
        let of_case = amount(&case.attributes);
        let mut alike = HashMap::new();
        let numbered = case.steps.iter().enumerate();
        numbered.map(|(index, step)| self.step(index + 1, step, of_case.as_deref(), &mut alike)).collect()
    }

    fn step(
        &self,
        event: usize,
        step: &countersign_xes::Step,
        of_case: Option<&str>,
        alike: &mut HashMap<[u8; 32], u32>,
    ) -> Result<Step, Unfit> {
        let keep = |what, text: &str| Verbatim::parse(text).map_err(|source| Unfit::Text { event, what, source });
        let kept = |what, text: Option<&str>| text.map(|text| keep(what, text)).transpose();
        let at = step.at.map(original_time).transpose().map_err(|source| Unfit::Time { event, source })?;
        let resource = kept("resource", step.resource.as_deref())?;
        let id = match &step.id {
            Some(id) => keep("id", id)?,
            None => keep("id", &made_up_id(step, alike))?,
        };
        Ok(Step {
            id,
            activity: keep("activity", &step.activity)?,
            at,
            role: kept("role", step.role.as_deref())?,
            resource: resource.map(|name| Personal::about(self.key.person(name.as_str()), name)),
            amount: kept("amount", amount(&step.attributes).as_deref().or(of_case))?,
        })
    }
}

/// The id of an event that has none: made of what was done, when and as what, and how often that was so before in the
/// same case, so that a longer export finds it again. Not of who did it: an id is not erased.
fn made_up_id(step: &countersign_xes::Step, alike: &mut HashMap<[u8; 32], u32>) -> String {
    let at = step.at.map(|at| at.to_rfc3339()).unwrap_or_default();
    let parts = [step.activity.as_str(), &at, step.role.as_deref().unwrap_or_default()];
    let digest = sha256(&[parts.join("\n").as_bytes()]);
    let before = alike.entry(digest.0).or_default();
    *before += 1;
    format!("{}-{before}", &digest.to_string()[..24])
}

/// The amount that something is about, as it stands: by a name of its own, or by one that an exporter put before it.
fn amount(attributes: &[Attribute]) -> Option<String> {
    let called = |attribute: &Attribute| {
        let key = attribute.key.to_lowercase();
        let key = ["(case)_", "case:"].iter().find_map(|prefix| key.strip_prefix(prefix)).unwrap_or(&key).to_owned();
        AMOUNTS.iter().position(|name| *name == key)
    };
    let (_, found) = attributes.iter().filter_map(|one| Some((called(one)?, one))).min_by_key(|(rank, _)| *rank)?;
    match &found.value {
        Value::String(text) | Value::Float(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Int(number) => Some(number.to_string()),
        Value::Date(_) | Value::Boolean(_) | Value::Id(_) | Value::List(_) | Value::Container(_) => None,
    }
}

/// With milliseconds, as logs write it, unless the log is more exact.
fn original_time(at: DateTime<FixedOffset>) -> Result<OriginalTime, NotATimestamp> {
    let exact = !at.nanosecond().is_multiple_of(1_000_000);
    let format = if exact { SecondsFormat::AutoSi } else { SecondsFormat::Millis };
    OriginalTime::parse(&at.to_rfc3339_opts(format, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: &str) -> Attribute {
        Attribute { key: key.into(), value: Value::String(value.into()), nested: vec![] }
    }

    fn step(activity: &str, resource: &str) -> countersign_xes::Step {
        let (id, at, role, transition) = (None, None, Some("EMPLOYEE".into()), None);
        let (activity, resource) = (activity.into(), Some(resource.into()));
        countersign_xes::Step { id, activity, at, resource, role, transition, attributes: vec![] }
    }

    #[test]
    fn an_event_without_an_id_gets_one_by_what_it_says_and_how_often() {
        let ids = |steps: &[(&str, &str)]| {
            let mut alike = HashMap::new();
            steps.iter().map(|(activity, who)| made_up_id(&step(activity, who), &mut alike)).collect::<Vec<_>>()
        };
        let [sent, approved, sent_again] = &ids(&[("Sent", "Ann"), ("Approved", "Bo"), ("Sent", "Ann")])[..] else {
            panic!("three events have three ids")
        };
        assert!(sent != approved && sent != sent_again);
        assert_eq!(ids(&[("Sent", "Ann"), ("Sent", "Ann")]), [sent.clone(), sent_again.clone()]);
        assert_eq!(ids(&[("Sent", "whoever")]), std::slice::from_ref(sent), "an id tells nothing of a person");
    }

    #[test]
    fn an_amount_is_known_by_its_own_name_or_an_exporters() {
        let note = attribute("note", "about 12.50");
        for key in ["amount", "Amount", "(case)_Amount", "case:RequestedAmount", "cost:total"] {
            assert_eq!(amount(&[note.clone(), attribute(key, "12.50")]), Some("12.50".into()), "{key}");
        }
        let asked_and_given = [attribute("(case)_RequestedAmount", "20"), attribute("(case)_Amount", "12.50")];
        assert_eq!(amount(&asked_and_given), Some("12.50".into()));
        assert_eq!(amount(&[note, attribute("amount", " ")]), None);
    }

    #[test]
    fn a_time_keeps_its_offset_and_is_written_as_logs_write_it() {
        for (at, written) in [
            ("2017-01-09T09:49:50.000+01:00", "2017-01-09T09:49:50.000+01:00"),
            ("2017-01-09T09:49:50+01:00", "2017-01-09T09:49:50.000+01:00"),
            ("2017-01-09T09:49:50.123456Z", "2017-01-09T09:49:50.123456+00:00"),
        ] {
            assert_eq!(original_time(at.parse().unwrap()).unwrap().as_str(), written);
        }
    }
}
