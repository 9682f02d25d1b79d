# Tenantry: `make demo` runs it, `make test` tests it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test e2e e2e-endurance e2e-cluster e2e-argocd bench-operator bench-directory lint fmt charts images

help: ## List the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: ## The example backend behind the gate, on this machine, until Ctrl-C
	@tools/need.sh rust python curl
	@echo "==> building tenantry-proxy (the first time takes about five minutes)"
	@cargo build --package tenantry-proxy
	@exec tools/demo.sh

test: ## Every test; installs what they need (at most 20 minutes cold on 2 cores)
	@tools/need.sh rust python node postgresql sqlite chromium curl openssl
	@tools/test.sh

e2e: ## The whole system on a real Kubernetes control plane; 22 minutes the first time on 2 cores, then eight
	@tools/need.sh rust go etcd redis postgresql python curl
	@tools/e2e.sh

e2e-endurance: ## As e2e, what takes minutes by itself: an operator killed fifty times, 300 organizations at rest
	@tools/need.sh rust go etcd redis postgresql python curl
	@tools/e2e.sh endurance

e2e-cluster: ## The story where pods really run: in the cluster of KUBECONFIG, or on a node of its own; CONTRIBUTING.md
	@tools/need.sh rust go buildah postgresql python openssl
	@tools/e2e-cluster.sh

e2e-argocd: ## A real Argo CD syncs charts and customers from a repository; 40 minutes the first time on 2 cores, then eight
	@tools/need.sh rust go etcd redis postgresql git python curl
	@tools/e2e.sh argocd

bench-operator: ## The operator against the same writes without it; ORGANIZATIONS=500 for a short run
	@tools/need.sh rust go etcd postgresql helm
	@tools/bench-operator.sh

bench-directory: ## What a directory of many organizations and users costs a gate in memory and time
	@tools/need.sh rust
	@cargo run --quiet --profile bench-operator --package tenantry-directory --example size

lint: ## Formatting, lints, walls between the crates, licences, charts
	@tools/need.sh rust go
	@tools/lint.sh

fmt: ## Format the code
	@cargo fmt --all

charts: ## The Helm charts: lint, rendering, schema, alerts
	@tools/need.sh go
	@tools/charts.sh

images: ## The container images, with buildah and no daemon
	@tools/need.sh rust buildah
	@tools/images.sh
