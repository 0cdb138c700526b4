//! What holds for logs of every size.

use crate::{ConsistencyProof, Frontier, InclusionProof, NotConsistent, NotIncluded, TreeHead, tree_head};
use countersign_canon::{Digest, leaf_hash};
use proptest::prelude::*;

const LARGEST: u64 = 70;

/// A log in which no two leaves are the same, as no two events are.
fn log(size: u64) -> Vec<Digest> {
    (0..size).map(|number| leaf_hash(&format!("event {number}"))).collect()
}

fn head(size: u64) -> TreeHead {
    tree_head(&log(size))
}

fn changed(digest: Digest, byte: usize) -> Digest {
    let mut bytes = digest.0;
    bytes[byte] ^= 0x01;
    Digest(bytes)
}

fn with_changed<T: Clone>(all: &[T], index: usize, change: impl Fn(&T) -> T) -> Vec<T> {
    let mut all = all.to_vec();
    all[index] = change(&all[index]);
    all
}

/// A log's size and the place of one of its leaves.
fn place() -> impl Strategy<Value = (u64, u64)> {
    (1..=LARGEST).prop_flat_map(|size| (Just(size), 0..size))
}

/// Two sizes of a growing log, the later at least as large.
fn growth() -> impl Strategy<Value = (u64, u64)> {
    (0..=LARGEST).prop_flat_map(|later| (0..=later, Just(later)))
}

proptest! {
    #[test]
    fn following_a_log_comes_to_the_same_head_as_reading_it(size in 0..=LARGEST) {
        let mut frontier = Frontier::new();
        log(size).into_iter().for_each(|leaf| frontier.append(leaf));
        prop_assert_eq!(frontier.head(), head(size));
    }

    #[test]
    fn every_leaf_is_proven_to_be_where_it_is((size, index) in place()) {
        let proof = InclusionProof::of(&log(size), index).unwrap();
        prop_assert_eq!(proof.verify(log(size)[index as usize], &head(size)), Ok(()));
    }

    #[test]
    fn a_leaf_is_proven_nowhere_else((size, index) in place(), elsewhere in 0..=LARGEST) {
        prop_assume!(elsewhere != index);
        let proof = InclusionProof { index: elsewhere, ..InclusionProof::of(&log(size), index).unwrap() };
        prop_assert!(proof.verify(log(size)[index as usize], &head(size)).is_err());
    }

    #[test]
    fn any_changed_byte_fails_an_inclusion((size, index) in place(), byte in 0..32_usize, at in any::<prop::sample::Index>()) {
        let proof = InclusionProof::of(&log(size), index).unwrap();
        let leaf = log(size)[index as usize];
        prop_assert_eq!(proof.verify(changed(leaf, byte), &head(size)), Err(NotIncluded::OtherRoot));
        let other = TreeHead { root: changed(head(size).root, byte), ..head(size) };
        prop_assert_eq!(proof.verify(leaf, &other), Err(NotIncluded::OtherRoot));
        if !proof.path.is_empty() {
            let path = with_changed(&proof.path, at.index(proof.path.len()), |hash| changed(*hash, byte));
            prop_assert_eq!(InclusionProof { index, path }.verify(leaf, &head(size)), Err(NotIncluded::OtherRoot));
        }
    }

    #[test]
    fn a_longer_or_shorter_path_proves_no_inclusion((size, index) in place()) {
        let proof = InclusionProof::of(&log(size), index).unwrap();
        let leaf = log(size)[index as usize];
        let mut longer = proof.clone();
        longer.path.push(leaf);
        prop_assert_eq!(longer.verify(leaf, &head(size)), Err(NotIncluded::PathLength));
        let mut shorter = proof;
        if shorter.path.pop().is_some() {
            prop_assert_eq!(shorter.verify(leaf, &head(size)), Err(NotIncluded::PathLength));
        }
    }

    #[test]
    fn a_log_is_proven_to_continue_each_of_its_beginnings((earlier, later) in growth()) {
        let proof = ConsistencyProof::of(&log(later), earlier).unwrap();
        prop_assert_eq!(proof.verify(&head(earlier), &head(later)), Ok(()));
    }

    #[test]
    fn a_log_with_one_event_rewritten_continues_nothing_that_had_it((earlier, later) in growth(), at in any::<prop::sample::Index>()) {
        prop_assume!(earlier > 0);
        let rewritten = with_changed(&log(later), at.index(earlier as usize), |_| leaf_hash("rewritten"));
        let proof = ConsistencyProof::of(&rewritten, earlier).unwrap();
        prop_assert!(proof.verify(&head(earlier), &tree_head(&rewritten)).is_err());
    }

    #[test]
    fn any_changed_byte_fails_a_consistency((earlier, later) in growth(), byte in 0..32_usize, at in any::<prop::sample::Index>()) {
        let proof = ConsistencyProof::of(&log(later), earlier).unwrap();
        let other_earlier = TreeHead { root: changed(head(earlier).root, byte), ..head(earlier) };
        prop_assert!(proof.verify(&other_earlier, &head(later)).is_err());
        // What continues the empty log is anything at all: there the later root is bound by nothing.
        if earlier > 0 {
            let other_later = TreeHead { root: changed(head(later).root, byte), ..head(later) };
            prop_assert!(proof.verify(&head(earlier), &other_later).is_err());
        }
        if !proof.path.is_empty() {
            let path = with_changed(&proof.path, at.index(proof.path.len()), |hash| changed(*hash, byte));
            let changed = ConsistencyProof { path };
            prop_assert!(changed.verify(&head(earlier), &head(later)).is_err());
        }
    }

    #[test]
    fn a_longer_or_shorter_path_proves_no_consistency((earlier, later) in growth()) {
        let mut proof = ConsistencyProof::of(&log(later), earlier).unwrap();
        proof.path.push(leaf_hash("more"));
        prop_assert_eq!(proof.verify(&head(earlier), &head(later)), Err(NotConsistent::PathLength));
        proof.path.pop();
        if proof.path.pop().is_some() {
            prop_assert!(proof.verify(&head(earlier), &head(later)).is_err());
        }
    }
}

#[test]
fn there_is_no_proof_for_what_is_not_there() {
    assert_eq!(InclusionProof::of(&log(3), 3), None);
    assert_eq!(InclusionProof::of(&[], 0), None);
    assert_eq!(ConsistencyProof::of(&log(3), 4), None);
    let beyond = InclusionProof { index: 0, path: vec![] }.verify(leaf_hash(""), &head(0));
    assert_eq!(beyond, Err(NotIncluded::BeyondTheLog { index: 0, size: 0 }));
}

#[test]
fn a_log_does_not_shrink() {
    let proof = ConsistencyProof { path: vec![] };
    assert_eq!(proof.verify(&head(3), &head(2)), Err(NotConsistent::Shrunk { earlier: 3, later: 2 }));
}

#[test]
fn an_empty_log_has_one_head() {
    let nothing = ConsistencyProof { path: vec![] };
    let other = TreeHead { size: 0, root: leaf_hash("other") };
    assert_eq!(nothing.verify(&other, &head(2)), Err(NotConsistent::OtherEarlierRoot));
    assert_eq!(nothing.verify(&head(0), &other), Err(NotConsistent::OtherLaterRoot));
}

#[test]
fn sizes_that_no_log_has_are_judged_like_any_other() {
    let path: Vec<Digest> = log(64);
    for size in [u64::MAX, (1 << 63) + 1, 1 << 63] {
        let huge = TreeHead { size, root: leaf_hash("") };
        for index in [0, 1 << 62, size - 1] {
            assert!(InclusionProof { index, path: path.clone() }.verify(leaf_hash(""), &huge).is_err());
        }
        for earlier in [1, 1 << 62, size - 1] {
            let earlier = TreeHead { size: earlier, ..huge };
            assert!(ConsistencyProof { path: path.clone() }.verify(&earlier, &huge).is_err());
        }
    }
}
