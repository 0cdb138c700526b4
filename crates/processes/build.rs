//! Names this build's processes: a digest over their sources, so that an event to which others could not react is tried
//! again.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;

fn main() {
    let mut hasher = DefaultHasher::new();
    hash_folder(Path::new("src"), &mut hasher);
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rustc-env=COUNTERSIGN_PROCESSES_DIGEST={:016x}", hasher.finish());
}

fn hash_folder(folder: &Path, hasher: &mut DefaultHasher) {
    let entries = std::fs::read_dir(folder).expect("the sources can be listed");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the sources can be listed").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            hash_folder(&path, hasher);
        } else {
            path.hash(hasher);
            std::fs::read(&path).expect("a source can be read").hash(hasher);
        }
    }
}
