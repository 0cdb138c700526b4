#!/bin/sh
# Lints the code with every SQL statement checked against a live database, and compares what that database says of them
# with what is kept in .sqlx for builds without one. Runs inside `countersign-embedded run`, which sets DATABASE_URL.
#   scripts/check-queries.sh            compare
#   scripts/check-queries.sh --write    keep what the database says
set -eu

target=${CARGO_TARGET_DIR:-target}
said=$PWD/$target/queries
rm -rf "$said"
mkdir -p "$said"

cargo run --quiet -p countersign-migrations

# A statement is looked at when its crate is compiled: make sure that each is.
for crate in eventstore identity projections processes; do touch "crates/$crate/src/lib.rs"; done
export SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$said"

if [ "${1:-}" = --write ]; then
    cargo check --workspace
    rm -rf .sqlx
    cp -r "$said" .sqlx
else
    cargo clippy --workspace --all-targets -- -D warnings
    diff -r .sqlx "$said" >/dev/null || { echo "the statements in .sqlx are not those of the code: make queries" >&2; exit 1; }
fi
