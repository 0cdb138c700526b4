//! A new migration is a change of this crate, although no source of it changed.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
