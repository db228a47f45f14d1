# `make run` and `make test` need only Python 3.11 or newer, and say so if it is missing.

VENV ?= .venv
PYTHON ?=
export VENV PYTHON
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run services environment test lint lock clean chaos bench

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: ## Run the whole site on this machine, until Ctrl-C
	@bin/venv requirements.txt
	@exec $(BIN)/python -m picha.run

services: ## Run only the services of the site: Valkey, mail, Flickr
	@bin/venv requirements.txt
	@exec $(BIN)/python -m picha.run --services

environment: ## Install everything for development into .venv
	@bin/venv requirements-dev.txt
	@bin/venv requirements-bench.txt

test: environment lint ## Run all checks and tests, with real services and a real browser
	@CHROMIUM="$$(bin/chromium)" && export CHROMIUM && exec $(BIN)/python -m pytest $(ARGS)

chaos: environment ## Run jobs while workers and servers are killed or frozen; SHORT=1 takes minutes
	@bin/postgresql $(BIN)/python -m realtime.tests.chaos $(if $(SHORT),--short) $(ARGS)

bench: environment ## Measure beside other systems; NAME=jobs, progress, fanout, latency or capacity
	@bin/postgresql $(BIN)/python -m realtime.benchmarks $(NAME)

lint: environment ## Check style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: environment ## Compile pyproject.toml into the lock files
	$(BIN)/uv pip compile pyproject.toml --output-file requirements.txt $(LOCK_OPTIONS) $(UPGRADE)
	$(BIN)/uv pip compile pyproject.toml --group dev --constraints requirements.txt \
		--output-file requirements-dev.txt $(LOCK_OPTIONS) $(UPGRADE)
	$(BIN)/uv pip compile requirements-bench.in --constraints requirements-dev.txt \
		--output-file requirements-bench.txt $(LOCK_OPTIONS) $(UPGRADE)

# A lock file must not contain the address of a package index or a path of this machine.
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

clean: ## Remove .venv and all caches; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
