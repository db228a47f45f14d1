# `make run` and `make test` need nothing but Python 3.11 or newer, and say so where it is missing.

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

services: ## Run only what the site works with: Valkey, mail, Flickr
	@bin/venv requirements.txt
	@exec $(BIN)/python -m picha.run --services

environment: ## Make .venv with all that development needs
	@bin/venv requirements-dev.txt
	@bin/venv requirements-bench.txt

test: environment lint ## Check everything, with real services and a real browser
	@CHROMIUM="$$(bin/chromium)" && export CHROMIUM && exec $(BIN)/python -m pytest $(ARGS)

chaos: environment ## Kill, freeze and flush while jobs run, and count; SHORT=1 for minutes
	@bin/postgresql $(BIN)/python -m realtime.tests.chaos $(if $(SHORT),--short) $(ARGS)

bench: environment ## Measure against others; NAME=jobs or NAME=progress for one of them
	@bin/postgresql $(BIN)/python -m realtime.benchmarks $(NAME)

lint: environment ## Check style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: environment ## Compile pyproject.toml into the lock files again
	$(BIN)/uv pip compile pyproject.toml --output-file requirements.txt $(LOCK_OPTIONS) $(UPGRADE)
	$(BIN)/uv pip compile pyproject.toml --group dev --constraints requirements.txt \
		--output-file requirements-dev.txt $(LOCK_OPTIONS) $(UPGRADE)
	$(BIN)/uv pip compile requirements-bench.in --constraints requirements-dev.txt \
		--output-file requirements-bench.txt $(LOCK_OPTIONS) $(UPGRADE)

# Neither a registry's address nor this machine's paths belong in a lock file.
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

clean: ## Remove what was made here, but no data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
