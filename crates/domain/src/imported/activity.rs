//! What another system's activities mean to us. A name that says nothing to us is kept and listed, never an error.

/// What an activity does to the document it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Written, not handed in.
    Saved,
    /// Handed in: approval is asked.
    Submitted,
    /// Approved by somebody; others may have to.
    Approved,
    /// Approved by whoever decides last.
    FinalApproved,
    /// Refused; or, by its author, taken back.
    Rejected,
    /// The bank was asked to pay.
    PaymentRequested,
    /// It was paid.
    PaymentHandled,
    /// Something else.
    Unknown,
}

/// An activity, read as far as it says something to us: `Declaration FINAL_APPROVED by SUPERVISOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity<'a> {
    /// What it does.
    pub kind: Kind,
    /// The document it is about, as the name begins; empty where the name says none.
    pub document: &'a str,
    /// The role that did it, as the name ends, if it names one.
    pub by: Option<&'a str>,
}

impl<'a> Activity<'a> {
    /// Reads an activity's name.
    pub fn read(name: &'a str) -> Self {
        match name.trim() {
            "Request Payment" => Self { kind: Kind::PaymentRequested, document: "", by: None },
            "Payment Handled" => Self { kind: Kind::PaymentHandled, document: "", by: None },
            name => Self::done_to_a_document(name).unwrap_or(Self { kind: Kind::Unknown, document: "", by: None }),
        }
    }

    /// `<document> <VERB> [by <role>]`, the verb being the first word that is one.
    fn done_to_a_document(name: &'a str) -> Option<Self> {
        let mut rest = name;
        let mut begin = 0;
        loop {
            let word = rest.split_whitespace().next()?;
            let at = begin + rest.find(word)?;
            let end = at + word.len();
            if let Some(kind) = verb(word) {
                let by = name[end..].trim().strip_prefix("by ").map(str::trim).filter(|role| !role.is_empty());
                return Some(Self { kind, document: name[..at].trim(), by });
            }
            (rest, begin) = (&name[end..], end);
        }
    }
}

fn verb(word: &str) -> Option<Kind> {
    match word {
        "SAVED" => Some(Kind::Saved),
        "SUBMITTED" => Some(Kind::Submitted),
        "APPROVED" => Some(Kind::Approved),
        "FINAL_APPROVED" => Some(Kind::FinalApproved),
        "REJECTED" => Some(Kind::Rejected),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activity_names_document_act_and_role() {
        for (name, kind, document, by) in [
            ("Declaration SUBMITTED by EMPLOYEE", Kind::Submitted, "Declaration", Some("EMPLOYEE")),
            (
                "Request For Payment APPROVED by BUDGET OWNER",
                Kind::Approved,
                "Request For Payment",
                Some("BUDGET OWNER"),
            ),
            ("Permit FINAL_APPROVED by DIRECTOR", Kind::FinalApproved, "Permit", Some("DIRECTOR")),
            ("Declaration REJECTED by MISSING", Kind::Rejected, "Declaration", Some("MISSING")),
            ("Declaration SAVED by EMPLOYEE", Kind::Saved, "Declaration", Some("EMPLOYEE")),
            ("APPROVED", Kind::Approved, "", None),
            ("  Permit   APPROVED  by  ", Kind::Approved, "Permit", None),
            ("Request Payment", Kind::PaymentRequested, "", None),
            ("Payment Handled", Kind::PaymentHandled, "", None),
        ] {
            assert_eq!(Activity::read(name), Activity { kind, document, by }, "{name}");
        }
    }

    #[test]
    fn what_says_nothing_to_us_is_unknown_and_no_error() {
        for name in
            ["", " ", "Start trip", "Receipt Photo REQUESTED by ADMINISTRATION", "PREAPPROVED", "approved", "ü by"]
        {
            assert_eq!(Activity::read(name).kind, Kind::Unknown, "{name:?}");
        }
    }
}
