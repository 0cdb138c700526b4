//! Our approval engine beside a real history: what it would have answered to each step, had it been asked.
//!
//! SUBMITTED asks, APPROVED and FINAL_APPROVED give a word, REJECTED refuses; a REJECTED by the author takes the
//! question back, which is how these systems write our recall. A round lasts from one SUBMITTED to the next, per
//! document. A word that the engine refuses leaves its request as it was, and the history goes on: a new SUBMITTED is
//! always a new round. Imported words count among themselves only; nothing here touches a native request (F18.9).
//!
//! A role stands for a person. Names are personal, sealed, and in the logs that we know replaced by one word for all.

use crate::approval::{Approvers, Refused, Request};
use crate::imported::activity::{Activity, Kind};
use crate::imported::case::KnownStep;
use crate::imported::route::{Route, Said, Word};
use crate::values::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What the engine would have refused in a case, its steps in file order.
pub fn check<'a>(route: Route, steps: impl IntoIterator<Item = &'a KnownStep>) -> BTreeSet<Refused> {
    let mut documents: BTreeMap<&str, Vec<Round<'_>>> = BTreeMap::new();
    for step in steps {
        let activity = Activity::read(step.activity.as_str());
        let role = step.role.as_ref().map(|role| role.as_str()).or(activity.by).unwrap_or("");
        let rounds = documents.entry(activity.document).or_insert_with(|| vec![Round::default()]);
        let said = match activity.kind {
            Kind::Submitted => {
                rounds.push(Round { asked: Some(Question { author: role, at: step.at }), words: Vec::new() });
                continue;
            }
            Kind::Approved => Said::Approved,
            Kind::FinalApproved => Said::FinalApproved,
            Kind::Rejected => Said::Rejected,
            Kind::Saved | Kind::PaymentRequested | Kind::PaymentHandled | Kind::Unknown => continue,
        };
        if let Some(round) = rounds.last_mut() {
            round.words.push(Word { said, role });
        }
    }
    documents.into_values().flatten().flat_map(|round| round.refused(route)).collect()
}

/// A question, if one was asked, and what was said until the next one.
#[derive(Default)]
struct Round<'a> {
    asked: Option<Question<'a>>,
    words: Vec<Word<'a>>,
}

struct Question<'a> {
    author: &'a str,
    at: Option<Timestamp>,
}

/// Where a round stands.
enum Standing {
    NotAsked,
    Asked(Request<String>),
    Ended { author: String },
}

impl Round<'_> {
    fn refused(&self, route: Route) -> BTreeSet<Refused> {
        let mut standing = self.begin(route);
        self.words.iter().filter_map(|word| standing.hear(word).err()).collect()
    }

    /// The question, by the policy that applies. If that asks nobody, nobody spoke but the author, to take it back.
    fn begin(&self, route: Route) -> Standing {
        let Some(Question { author, at }) = &self.asked else { return Standing::NotAsked };
        let takes_back = |word: &Word<'_>| word.said == Said::Rejected && word.role == *author;
        let words: Vec<_> = self.words.iter().filter(|word| !takes_back(word)).copied().collect();
        match route.policy(*at, &words) {
            Some(policy) => Standing::Asked(Request::ask(1, policy, (*author).to_owned())),
            None => Standing::Ended { author: (*author).to_owned() },
        }
    }
}

impl Standing {
    /// Moves on with a word; a word that does not count leaves it where it was.
    fn hear(&mut self, word: &Word<'_>) -> Result<(), Refused> {
        let request = match self {
            Self::Asked(request) => request,
            Self::Ended { author } if word.said == Said::Rejected && author == word.role => return Ok(()),
            Self::Ended { .. } | Self::NotAsked => return Err(Refused::NotRequested),
        };
        let role = word.role.to_owned();
        let entitled = |approvers: &Approvers| roles(approvers).contains(&role);
        match word.said {
            Said::Approved | Said::FinalApproved => {
                let vote = request.vote(&role, entitled, |approvers| roles(approvers).to_vec())?;
                *self = Self::Asked(request.clone().after(role, vote));
                return Ok(());
            }
            Said::Rejected if role == request.author => {
                if request.is_complete() {
                    return Err(Refused::AlreadyComplete);
                }
            }
            Said::Rejected => {
                request.refuse(&role, entitled)?;
            }
        }
        *self = Self::Ended { author: request.author.clone() };
        Ok(())
    }
}

fn roles(approvers: &Approvers) -> &[String] {
    match approvers {
        Approvers::Roles(roles) => roles,
        // Rights and people of ours never count in another system's history.
        Approvers::Holders(_) | Approvers::Named(_) => &[],
    }
}
