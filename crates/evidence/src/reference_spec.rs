//! The values of RFC 6962's reference implementation: its eight leaves, their heads, and some of their proofs.

use crate::head::node;
use crate::{ConsistencyProof, Frontier, InclusionProof, tree_head};
use countersign_canon::{Digest, leaf_hash, sha256};

/// The bytes 00, 10, 20 21, 30 31, 40 to 43, 50 to 57, 60 to 6f, behind an empty leaf.
const TEXTS: [&str; 8] = ["", "\u{0}", "\u{10}", " !", "01", "@ABC", "PQRSTUVW", "`abcdefghijklmno"];

/// The heads over the first 1, 2, ... 8 leaves.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

// Nodes of the same tree that its proofs are made of.
const LEAF_0: &str = ROOTS[0];
const LEAF_1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const LEAF_4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const LEAVES_0_1: &str = ROOTS[1];
const LEAVES_2_3: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const LEAVES_0_3: &str = ROOTS[3];
const LEAVES_4_5: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const LEAVES_6_7: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const LEAVES_4_7: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";

fn leaves(count: usize) -> Vec<Digest> {
    TEXTS[..count].iter().map(|text| leaf_hash(text)).collect()
}

fn digests(texts: &[&str]) -> Vec<Digest> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn the_head_of_an_empty_log_is_the_hash_of_nothing() {
    let root: Digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse().unwrap();
    assert_eq!((tree_head(&[]).size, tree_head(&[]).root), (0, root));
    assert_eq!(Frontier::new().head(), tree_head(&[]));
}

#[test]
fn the_heads_are_those_of_the_reference() {
    let mut frontier = Frontier::new();
    for (index, root) in ROOTS.iter().enumerate() {
        let head = tree_head(&leaves(index + 1));
        assert_eq!((head.size, head.root.to_string().as_str()), (index as u64 + 1, *root));
        frontier.append(leaf_hash(TEXTS[index]));
        assert_eq!(frontier.head(), head);
    }
}

#[test]
fn inclusion_proofs_are_those_of_the_reference() {
    let cases: [(u64, usize, &[&str]); 5] = [
        (0, 1, &[]),
        (0, 8, &[LEAF_1, LEAVES_2_3, LEAVES_4_7]),
        (5, 8, &[LEAF_4, LEAVES_6_7, LEAVES_0_3]),
        (2, 3, &[LEAVES_0_1]),
        (1, 5, &[LEAF_0, LEAVES_2_3, LEAF_4]),
    ];
    for (index, size, path) in cases {
        let proof = InclusionProof::of(&leaves(size), index).unwrap();
        assert_eq!(proof.path, digests(path), "leaf {index} of {size}");
        assert_eq!(proof.verify(leaves(size)[index as usize], &tree_head(&leaves(size))), Ok(()));
    }
}

#[test]
fn consistency_proofs_are_those_of_the_reference() {
    let cases: [(usize, usize, &[&str]); 4] = [
        (1, 1, &[]),
        (1, 8, &[LEAF_1, LEAVES_2_3, LEAVES_4_7]),
        (6, 8, &[LEAVES_4_5, LEAVES_6_7, LEAVES_0_3]),
        (2, 5, &[LEAVES_2_3, LEAF_4]),
    ];
    for (earlier, later, path) in cases {
        let proof = ConsistencyProof::of(&leaves(later), earlier as u64).unwrap();
        assert_eq!(proof.path, digests(path), "from {earlier} to {later}");
        assert_eq!(proof.verify(&tree_head(&leaves(earlier)), &tree_head(&leaves(later))), Ok(()));
    }
}

#[test]
fn a_node_is_not_the_leaf_that_has_its_bytes() {
    let [left, right] = [leaf_hash("left"), leaf_hash("right")];
    assert_ne!(node(&left, &right), sha256(&[&[0x00], &left.0, &right.0]));
    assert_ne!(node(&left, &right), sha256(&[&left.0, &right.0]));
}

#[test]
fn proofs_have_one_form_for_other_programs_to_read() {
    let head = tree_head(&leaves(2));
    let text = serde_json::to_string(&head).unwrap();
    assert_eq!(text, format!("{{\"size\":2,\"root\":\"{LEAVES_0_1}\"}}"));
    assert_eq!(serde_json::from_str::<crate::TreeHead>(&text).unwrap(), head);

    let proof = InclusionProof::of(&leaves(2), 1).unwrap();
    let text = serde_json::to_string(&proof).unwrap();
    assert_eq!(text, format!("{{\"index\":1,\"path\":[\"{LEAF_0}\"]}}"));
    assert_eq!(serde_json::from_str::<InclusionProof>(&text).unwrap(), proof);
}
