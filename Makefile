# A build needs no database: what the queries were checked against is kept in .sqlx.
export SQLX_OFFLINE := true

TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: demo test check

# A small believable firm, served on http://127.0.0.1:8080.
demo:
	@scripts/setup.sh demo
	cargo build --profile demo -p countersign
	$(TARGET)/demo/countersign demo

# All tests, on a private Postgres server that is gone afterwards. The last lines are the runner's own summary.
test:
	@scripts/setup.sh test
	cargo test --workspace --doc
	cargo build -p countersign-embedded
	$(TARGET)/debug/countersign-embedded run --throwaway --data-dir $(TARGET)/test-cluster -- cargo nextest run --workspace

# What must be true of the code before it is looked at.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
