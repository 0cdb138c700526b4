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

cargo run --quiet -p countersign -- migrate --database-url "$DATABASE_URL" >/dev/null

# A statement is looked at when its crate is compiled: make sure that each is.
for crate in eventstore identity projections processes; do touch "crates/$crate/src/lib.rs"; done
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$said cargo clippy --workspace --all-targets -- -D warnings

if [ "${1:-}" = --write ]; then
    rm -rf .sqlx
    cp -r "$said" .sqlx
else
    diff -r .sqlx "$said" >/dev/null || { echo "the statements in .sqlx are not those of the code: make queries" >&2; exit 1; }
fi
