//! What the approval engine promises, apart from what is approved.

use crate::access::Right;
use crate::approval::{
    Approvers, NotAPolicy, Policy, Progress, Refused, Request, Rule, Salt, Stage, Vote, shown_digest,
};
use crate::decider::Rejected;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

const AUTHOR: &str = "author";

fn stage(name: &str, rule: Rule, roles: &[&str]) -> Stage {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    Stage { name: name.to_owned(), rule, approvers: Approvers::Roles(roles) }
}

fn at_least(count: u32) -> Rule {
    Rule::AtLeast(NonZeroU32::new(count).unwrap())
}

fn asked(stages: Vec<Stage>) -> Request<String> {
    Request::ask(1, Policy::new("spec", 1, stages).unwrap(), AUTHOR.to_owned())
}

fn roles(approvers: &Approvers) -> Vec<String> {
    match approvers {
        Approvers::Roles(roles) => roles.clone(),
        Approvers::Holders(_) | Approvers::Named(_) => vec![],
    }
}

fn vote(request: &Request<String>, voter: &str) -> Result<Vote, Refused> {
    vote_among(request, voter, roles)
}

fn vote_among(
    request: &Request<String>,
    voter: &str,
    eligible: impl Fn(&Approvers) -> Vec<String>,
) -> Result<Vote, Refused> {
    let entitled = |approvers: &Approvers| eligible(approvers).iter().any(|one| one == voter);
    request.vote(&voter.to_owned(), entitled, &eligible)
}

fn refusal(request: &Request<String>, voter: &str) -> Result<u32, Refused> {
    request.refuse(&voter.to_owned(), |approvers| roles(approvers).iter().any(|one| one == voter))
}

fn given(mut request: Request<String>, voters: &[&str]) -> Request<String> {
    for voter in voters {
        let vote = vote(&request, voter).unwrap();
        request = request.after((*voter).to_owned(), vote);
    }
    request
}

const STAGE_OPEN: Progress = Progress::StageOpen;
const STAGE_COMPLETE: Progress = Progress::StageComplete;
const COMPLETE: Progress = Progress::Complete;

#[test] // F8.8, F17.4
fn whoever_asked_never_decides_even_where_a_stage_names_them() {
    let request = asked(vec![stage("one", Rule::Any, &[AUTHOR, "a"])]);
    assert_eq!(vote(&request, AUTHOR), Err(Refused::AuthorMayNotDecide));
    assert_eq!(refusal(&request, AUTHOR), Err(Refused::AuthorMayNotDecide));
}

#[test]
fn one_word_is_enough_where_any_may_decide() {
    let request = asked(vec![stage("one", Rule::Any, &["a", "b"])]);
    assert_eq!(vote(&request, "b"), Ok(Vote { stage: 0, leaves: COMPLETE }));
}

#[test]
fn where_all_must_agree_the_last_of_them_completes() {
    let request = asked(vec![stage("one", Rule::All, &["a", "b", "c"])]);
    assert_eq!(vote(&request, "a"), Ok(Vote { stage: 0, leaves: STAGE_OPEN }));
    let request = given(request, &["a", "c"]);
    assert_eq!(vote(&request, "b"), Ok(Vote { stage: 0, leaves: COMPLETE }));
}

#[test]
fn where_all_must_agree_the_author_is_not_waited_for() {
    let request = given(asked(vec![stage("one", Rule::All, &["a", AUTHOR])]), &[]);
    assert_eq!(vote(&request, "a"), Ok(Vote { stage: 0, leaves: COMPLETE }));
}

#[test]
fn the_word_of_somebody_who_lost_the_right_does_not_stand_in_for_another() {
    let request = given(asked(vec![stage("one", Rule::All, &["a", "b", "c"])]), &["a"]);
    // a is gone; b and c are both still to speak.
    let remaining = |_: &Approvers| vec!["b".to_owned(), "c".to_owned()];
    assert_eq!(vote_among(&request, "b", remaining), Ok(Vote { stage: 0, leaves: STAGE_OPEN }));
}

#[test]
fn whoever_lost_the_right_is_no_longer_waited_for() {
    let request = given(asked(vec![stage("one", Rule::All, &["a", "b", "c"])]), &["a"]);
    let remaining = |_: &Approvers| vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(vote_among(&request, "b", remaining), Ok(Vote { stage: 0, leaves: COMPLETE }));
}

#[test]
fn so_many_of_so_many_need_exactly_so_many() {
    let request = asked(vec![stage("one", at_least(2), &["a", "b", "c"])]);
    assert_eq!(vote(&request, "c"), Ok(Vote { stage: 0, leaves: STAGE_OPEN }));
    assert_eq!(vote(&given(request, &["c"]), "a"), Ok(Vote { stage: 0, leaves: COMPLETE }));
}

#[test] // F17.2
fn a_stage_waits_for_those_before_it() {
    let request = asked(vec![stage("one", Rule::Any, &["a"]), stage("two", Rule::Any, &["b"])]);
    assert_eq!(vote(&request, "b"), Err(Refused::StageNotReached));
    assert_eq!(refusal(&request, "b"), Err(Refused::StageNotReached));
    assert_eq!(vote(&request, "a"), Ok(Vote { stage: 0, leaves: STAGE_COMPLETE }));
    assert_eq!(vote(&given(request, &["a"]), "b"), Ok(Vote { stage: 1, leaves: COMPLETE }));
}

#[test]
fn a_stage_that_was_complete_stays_so_whoever_gets_the_right_later() {
    let stages = vec![stage("one", Rule::All, &["a"]), stage("two", Rule::Any, &["b"])];
    let request = given(asked(stages), &["a"]);
    let one_more_in_stage_one = |approvers: &Approvers| {
        let mut people = roles(approvers);
        if people == ["a"] {
            people.push("late".to_owned());
        }
        people
    };
    assert_eq!(vote_among(&request, "b", one_more_in_stage_one), Ok(Vote { stage: 1, leaves: COMPLETE }));
    assert_eq!(vote_among(&request, "late", one_more_in_stage_one), Err(Refused::NotAsked));
}

#[test]
fn nobody_counts_twice_in_whatever_stage() {
    let stages = vec![stage("one", Rule::Any, &["a"]), stage("two", at_least(2), &["a", "b", "c"])];
    let request = given(asked(stages), &["a"]);
    assert_eq!(vote(&request, "a"), Err(Refused::AlreadyGiven));
    assert_eq!(refusal(&request, "a"), Err(Refused::AlreadyGiven));
    let request = given(request, &["b", "c"]);
    assert!(request.is_complete());
    assert_eq!(vote(&request, "b"), Err(Refused::AlreadyGiven));
}

#[test]
fn a_complete_request_needs_no_more_words() {
    let request = given(asked(vec![stage("one", Rule::Any, &["a", "b"])]), &["a"]);
    assert_eq!(vote(&request, "b"), Err(Refused::AlreadyComplete));
    assert_eq!(refusal(&request, "b"), Err(Refused::AlreadyComplete));
}

#[test]
fn whom_no_stage_names_is_not_asked() {
    let request = asked(vec![stage("one", Rule::Any, &["a"]), stage("two", Rule::Any, &["b"])]);
    assert_eq!(vote(&request, "z"), Err(Refused::NotAsked));
    let request = given(request, &["a"]);
    assert_eq!(vote(&request, "z"), Err(Refused::NotAsked));
}

#[test]
fn only_whose_turn_it_is_may_refuse() {
    let stages = vec![stage("one", Rule::Any, &["a"]), stage("two", Rule::Any, &["b"])];
    let request = given(asked(stages), &["a"]);
    assert_eq!(refusal(&request, "b"), Ok(1));
}

#[test] // F8.9
fn what_nobody_could_decide_is_not_asked() {
    let needs_two = Policy::new("spec", 1, vec![stage("one", at_least(2), &["a", "b"])]).unwrap();
    let author = AUTHOR.to_owned();
    let among = |people: &[&str]| {
        let people: Vec<_> = people.iter().map(|one| (*one).to_owned()).collect();
        needs_two.can_be_asked(&author, |_| people.clone())
    };
    assert_eq!(among(&["a", "b"]), Ok(()));
    assert_eq!(among(&["a"]), Err(Refused::NobodyToAsk));
    assert_eq!(among(&["a", AUTHOR]), Err(Refused::NobodyToAsk));
    let any = Policy::any_holder("spec", Right::ApproveTime);
    assert_eq!(any.can_be_asked(&author, |_| vec![]), Err(Refused::NobodyToAsk));
}

#[test]
fn a_policy_approves_nothing_by_itself_and_asks_nothing_impossible() {
    assert_eq!(Policy::new("spec", 1, vec![]), Err(NotAPolicy::NoStages));
    for (rule, roles) in [(Rule::Any, vec![]), (at_least(3), vec!["a", "b", "b"])] {
        let stages = vec![stage("one", rule, &roles)];
        assert_eq!(Policy::new("spec", 1, stages), Err(NotAPolicy::StageCannotBeMet { stage: "one".to_owned() }));
    }
    for unsound in [
        json!({"name": "x", "version": 1, "stages": []}),
        json!({"name": "x", "version": 1, "stages": [{"name": "one", "rule": {"kind": "at_least", "count": 0},
               "approvers": {"kind": "holders", "of": "approve_time"}}]}),
    ] {
        assert!(serde_json::from_value::<Policy>(unsound).is_err());
    }
}

#[test]
fn every_refusal_has_a_code_of_its_own() {
    let all = [
        Refused::AuthorMayNotDecide,
        Refused::StageNotReached,
        Refused::AlreadyGiven,
        Refused::NotAsked,
        Refused::AlreadyComplete,
        Refused::NotRequested,
        Refused::NobodyToAsk,
    ];
    let codes: BTreeSet<_> = all.iter().map(Refused::code).collect();
    assert_eq!(codes.len(), all.len());
    assert!(codes.iter().all(|code| code.starts_with("approval.")));
}

#[test] // D14
fn a_digest_changes_with_the_salt_and_with_every_field() {
    let (salt, other) = (Salt::new([1; 16]), Salt::new([2; 16]));
    let digest = shown_digest(&salt, &json!({"hours": "7.5"}));
    assert_eq!(digest, shown_digest(&salt, &json!({"hours": "7.5"})));
    assert_ne!(digest, shown_digest(&other, &json!({"hours": "7.5"})));
    assert_ne!(digest, shown_digest(&salt, &json!({"hours": "7"})));
    assert_ne!(digest, shown_digest(&salt, &json!({"hours": "7.5", "rate": null})));
    assert_ne!(salt.commitment("a"), other.commitment("a"));
}

#[test]
fn a_salt_is_thirty_two_hexadecimal_digits() {
    assert_eq!(String::from(Salt::new([0xab; 16])), "ab".repeat(16));
    for bad in ["", "ab", &"AB".repeat(16), &"0g".repeat(16), &"0".repeat(33)] {
        assert!(Salt::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}

const PEOPLE: [&str; 6] = [AUTHOR, "a", "b", "c", "d", "e"];

fn some_stage() -> impl Strategy<Value = Stage> {
    let people = proptest::sample::subsequence(PEOPLE.to_vec(), 1..=PEOPLE.len());
    (people, 0..3_u8, 1..4_u32).prop_map(|(people, rule, count)| {
        let rule = match rule {
            0 => Rule::Any,
            1 => Rule::All,
            _ => at_least(count.min(people.len() as u32)),
        };
        stage("some", rule, &people)
    })
}

/// The rules told a second time, slowly: which stage is open after these words, each with the stage it counted in.
fn open_stage(stages: &[Stage], words: &[(&str, u32)]) -> Option<usize> {
    let is_met = |index: usize, stage: &Stage| {
        let in_stage: Vec<_> = words.iter().filter(|(_, at)| *at as usize == index).map(|(who, _)| *who).collect();
        let until_stage = |who: &str| words.iter().any(|(one, at)| *one == who && *at as usize <= index);
        match stage.rule {
            Rule::Any => in_stage.len() == 1,
            Rule::AtLeast(count) => in_stage.len() == count.get() as usize,
            Rule::All => {
                !in_stage.is_empty() && roles(&stage.approvers).iter().all(|who| who == AUTHOR || until_stage(who))
            }
        }
    };
    (0..stages.len()).find(|index| !is_met(*index, &stages[*index]))
}

proptest! {
    #[test] // F17.2, F17.4
    fn whatever_is_said_in_whatever_order_the_engine_keeps_its_invariants(
        stages in proptest::collection::vec(some_stage(), 1..4),
        speakers in proptest::collection::vec(proptest::sample::select(PEOPLE.to_vec()), 0..24),
    ) {
        let mut request = asked(stages.clone());
        let mut counted: Vec<(&str, u32)> = vec![];
        for speaker in speakers {
            let answer = vote(&request, speaker);
            prop_assert_eq!(refusal(&request, speaker).is_ok(), answer.is_ok(), "who may agree may refuse");
            let Ok(vote) = answer else { continue };
            prop_assert!(!request.is_complete());
            prop_assert_ne!(speaker, AUTHOR);
            prop_assert!(counted.iter().all(|(before, _)| *before != speaker));
            prop_assert!(counted.iter().all(|(_, stage)| *stage <= vote.stage), "stages only go up");
            prop_assert!(roles(&stages[vote.stage as usize].approvers).iter().any(|role| role == speaker));
            counted.push((speaker, vote.stage));
            request = request.after(speaker.to_owned(), vote);
            prop_assert_eq!(request.is_complete(), vote.leaves == COMPLETE);
            let open = open_stage(&stages, &counted);
            let expected = match open {
                None => COMPLETE,
                Some(open) if open == vote.stage as usize => STAGE_OPEN,
                Some(_) => STAGE_COMPLETE,
            };
            prop_assert_eq!(vote.leaves, expected);
            prop_assert_eq!(refusal(&request, speaker), Err(Refused::AlreadyGiven), "a retry adds nothing");
        }
    }
}
