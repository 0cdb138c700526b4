//! What somebody asks about: `invoice:0197…`, or a case by the name that its log gives it, `case:declaration 86791`.

use crate::audit::Inquiry;
use crate::failure::Failure;
use countersign_domain::envelope::ObjectKind;
use countersign_domain::ids::CaseId;
use countersign_projections::ReadError;
use countersign_projections::imported::case::{CaseView, get, named};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NotAWord;
use std::str::FromStr;
use uuid::Uuid;

/// An object as it is named at the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    kind: ObjectKind,
    id: String,
}

/// An object that was found by its name.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: ObjectKind,
    pub(crate) id: Uuid,
    /// What people call it, where that is more than its id.
    pub(crate) called: Option<String>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, id) = text.split_once(':').ok_or("write it as KIND:ID, like invoice:0197c3a0-… or case:claim 17")?;
        let kind = ObjectKind::deserialize(kind.into_deserializer()).map_err(|error: NotAWord| error.to_string())?;
        let is_sound = kind == ObjectKind::Case || Uuid::parse_str(id).is_ok();
        if id.is_empty() || !is_sound {
            return Err(format!("the id of this kind is a UUID, not {id:?}"));
        }
        Ok(Self { kind, id: id.to_owned() })
    }
}

impl Inquiry<'_> {
    /// Finds what is asked about. That something ever happened to it is not known yet.
    pub(crate) async fn find(&self, wanted: &Wanted) -> Result<Object, Failure> {
        let id = Uuid::parse_str(&wanted.id);
        if wanted.kind == ObjectKind::Case {
            self.bring_up(&["cases"]).await?;
            return self.find_case(&wanted.id, id.ok().map(CaseId)).await;
        }
        let id = id.map_err(|error| Failure::because("the id does not read", error))?;
        Ok(Object { kind: wanted.kind, id, called: None })
    }

    /// By our id if it is one, and else by its name: other systems name their cases by UUIDs, too.
    async fn find_case(&self, name: &str, id: Option<CaseId>) -> Result<Object, Failure> {
        let unreadable = |error: ReadError| Failure::because("the imported cases could not be read", error);
        if let Some(id) = id {
            match get(self.pool, &self.scope(), self.now, id).await {
                Ok(case) => return Ok(Object::of(&case)),
                Err(ReadError::Denied(_)) => {}
                Err(error @ (ReadError::Database(_) | ReadError::Behind | ReadError::Cursor(_))) => {
                    return Err(unreadable(error));
                }
            }
        }
        let mut found = named(self.pool, &self.scope(), self.now, name).await.map_err(unreadable)?;
        if found.is_empty() {
            // A name that is written together in the log is read, and typed, in words.
            let together: String = name.split_whitespace().collect();
            found = named(self.pool, &self.scope(), self.now, &together).await.map_err(unreadable)?;
        }
        match found.as_slice() {
            [case] => Ok(Object::of(case)),
            [] => Err(Failure::say(format!("no imported case is named {name:?}"))),
            several => Err(Failure::say(ambiguous(name, several))),
        }
    }
}

fn ambiguous(name: &str, several: &[CaseView]) -> String {
    let each = several.iter().map(|case| format!("case:{} of {}", case.case, case.log));
    format!("several logs have a case named {name:?}; ask for one of {}", each.collect::<Vec<_>>().join(", "))
}

impl Object {
    fn of(case: &CaseView) -> Self {
        let called = Some(format!("{} of {}", case.name, case.log));
        Self { kind: ObjectKind::Case, id: case.case.0, called }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_its_kind_and_its_id() {
        let invoice: Wanted = "invoice:0197c3a0-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(invoice.kind, ObjectKind::Invoice);
        assert!("portal_user:0197c3a0-0000-7000-8000-000000000001".parse::<Wanted>().is_ok());
    }

    #[test]
    fn a_case_may_be_named_as_its_log_names_it() {
        for name in ["declaration 86791", "a:b", "0197c3a0-0000-7000-8000-000000000001"] {
            assert_eq!(format!("case:{name}").parse(), Ok(Wanted { kind: ObjectKind::Case, id: name.into() }));
        }
    }

    #[test]
    fn what_is_no_object_is_said_to_be_none_with_the_kinds_there_are() {
        for (text, says) in [
            ("invoice", "KIND:ID"),
            ("bill:1", "expected one of `organization`"),
            ("invoice:17", "a UUID"),
            ("case:", "UUID"),
        ] {
            let error = text.parse::<Wanted>().unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
