.PHONY: lint test fmt
fmt: ## Format every crate
	cargo fmt --all
lint: ## Formatting and lints
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
test: ## Every test
	cargo test --workspace
