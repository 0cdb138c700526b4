//! What is common to all approvals, whatever is approved.

use crate::audit::sentence::right;
use countersign_canon::Digest;
use countersign_domain::approval::{Asked, Given, Progress, Recalled, Refusal};

/// As much of a digest as people compare.
const SHOWN_DIGITS: usize = 12;

/// Somebody asked.
pub(super) fn asked(what: &str, asked: &Asked) -> String {
    let Asked { revision, digest, policy, .. } = asked;
    let (name, version) = (policy.name(), policy.version());
    format!(
        "asked for approval of revision {revision} of {what} under the policy {name}, version {version}, digest {}",
        short(digest)
    )
}

/// Somebody said yes.
pub(super) fn given(what: &str, given: &Given) -> String {
    let Given { revision, digest, policy, policy_version, stage, meaning, note, .. } = given;
    let outcome = match given.leaves {
        Progress::StageOpen => "others must agree, too",
        Progress::StageComplete => "the next stage is open",
        Progress::Complete => "all is approved",
    };
    let note = note.as_ref().map(|note| format!(", with the note {:?}", note.as_str())).unwrap_or_default();
    format!(
        "approved revision {revision} of {what} with the right {}, as it was shown under digest {}{note} (policy {policy}, \
         version {policy_version}, stage {}: {outcome}; it means {meaning:?})",
        right(given.right),
        short(digest),
        stage + 1,
    )
}

/// Somebody said no.
pub(super) fn refused(did: &str, what: &str, refusal: &Refusal) -> String {
    let Refusal { revision, digest, policy, policy_version, stage, reason, .. } = refusal;
    format!(
        "{did} revision {revision} of {what} with the right {}, as it was shown under digest {}, with the reason {:?} \
         (policy {policy}, version {policy_version}, stage {})",
        right(refusal.right),
        short(digest),
        reason.as_str(),
        stage + 1,
    )
}

/// Whoever asked took it back.
pub(super) fn recalled(what: &str, recalled: &Recalled) -> String {
    format!("took back the question for approval of revision {} of {what}", recalled.revision)
}

fn short(digest: &Digest) -> String {
    let mut digits = digest.to_string();
    digits.truncate(SHOWN_DIGITS);
    digits + "…"
}
