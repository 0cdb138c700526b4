# A build needs no database: what the statements were checked against is kept in .sqlx.
export SQLX_OFFLINE := true

TARGET := $(or $(CARGO_TARGET_DIR),target)
BESIDE_A_DATABASE = $(TARGET)/debug/countersign-embedded run --throwaway --data-dir

.PHONY: demo test soak check queries bench

# A small believable firm, served on http://127.0.0.1:8080.
demo:
	@scripts/setup.sh demo
	cargo build --profile demo -p countersign
	$(TARGET)/demo/countersign demo

# All tests, on a private Postgres server that is gone afterwards. The last lines are the runner's own summary.
test:
	@scripts/setup.sh test
	cargo test --quiet --workspace --doc
	cargo build -p countersign-embedded -p countersign
	$(BESIDE_A_DATABASE) $(TARGET)/test-cluster -- cargo nextest run --workspace

# What must be true of the code before it is looked at; statements are checked against a database of the migrations.
check:
	@scripts/setup.sh test
	cargo fmt --all --check
	cargo build -p countersign-embedded
	$(BESIDE_A_DATABASE) $(TARGET)/query-cluster -- scripts/check-queries.sh

# Keeps what a database of the migrations says of every statement, after one was changed.
queries:
	cargo build -p countersign-embedded
	$(BESIDE_A_DATABASE) $(TARGET)/query-cluster -- scripts/check-queries.sh --write

# How fast, beside what the same server does by itself: a table at the end, and target/bench/results.csv. All of it takes
# about a quarter of an hour; `make bench ROWS='append http'` measures some of it.
bench:
	@scripts/setup.sh demo
	cargo build --release -p countersign-bench -p countersign
	$(TARGET)/release/countersign-bench $(ROWS)

# The stories of many writers, races, rebuilds, deaths, pauses and poolers, told for as long as these say.
soak: export COUNTERSIGN_ROUNDS ?= 1200
soak: export COUNTERSIGN_COMMANDS ?= 100
soak: export COUNTERSIGN_KILLS ?= 40
soak: export COUNTERSIGN_REGISTERED ?= 10000
soak: export COUNTERSIGN_REBUILDS ?= 20
soak:
	@scripts/setup.sh test
	cargo build -p countersign-embedded -p countersign
	$(BESIDE_A_DATABASE) $(TARGET)/soak-cluster -- cargo nextest run --profile soak -E \
	    'test(/portal::(crash|half_done|killed|many_writers|paused|pooler|racing|rebuild|takeover)::/) + test(/^(many|paused|rebuild_job|sick)::/)' \
	    -p countersign-acceptance -p countersign-projections
