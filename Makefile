# Two commands do all of their own set-up: `make demo` and `make test`. `make help` tells the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
# Images of containers often set it. Every process would compile anew what it imports; the tests
# alone take ten seconds for it, in each worker.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STANDARD_LOCK := requirements/standard.lock
DEV_LOCK := requirements/dev.lock
DEMO := demo
# Twice two cores: many tests wait, for a browser or for a process of their own.
WORKERS ?= 4
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip

.PHONY: demo test check coverage fmt docs lock prove env env-dev clean help test-3.13

demo: env ## Research several topics over this repository's own documents; no key, no network
	@scripts/demo.sh $(BIN)/wiseflow $(DEMO)

# The checks of types take a minute of one core: the tests begin meanwhile.
test: env-dev services ## All checks and every test
	@$(MAKE) --no-print-directory -j2 lint types imports tests
	@$(MAKE) --no-print-directory test-3.13

check: env-dev services ## The fast half: format, lint, types, import contracts, quick tests
	@$(MAKE) --no-print-directory -j2 lint types imports
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q -m "not slow"

# Apart from `make test`, as on Python 3.11 measuring makes the tests take three times as long.
coverage: env-dev services ## Every test, and how much of the code they run: at least 95 %, of core all
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q --cov --cov-report=term --cov-fail-under=95
	@$(BIN)/python -m coverage report --include='src/wiseflow/core/*' --fail-under=100

prove: env-dev coverage ## Coverage, and the long proofs at their full counts (more than an hour)
	@$(BIN)/python proofs/kill_research.py --kills 100 --researches 40 --seed 1
	@for mode in linear graph multi_agent; do \
	  $(BIN)/python proofs/kill_gateway.py --kills 100 --researches 20 --seed 1 --mode $$mode; done
	@$(BIN)/python proofs/engine_faults.py --simulations 500 --seed 1
	@$(BIN)/python proofs/engine_churn.py --hours 24
	@$(BIN)/python proofs/memory_of_a_cgroup.py
	@$(BIN)/python proofs/network_guard.py
	@$(BIN)/python proofs/canary_secrets.py
	@$(BIN)/python proofs/kill_workers.py --jobs 1000 --kills 40 --stops 100 --restarts 10 --redis 20 --seed 1
	@$(BIN)/python proofs/full_disk.py --jobs 200 --rounds 20 --seed 1
	@$(BIN)/python proofs/schedules_once.py --rounds 20 --kills 100 --seed 1
	@$(BIN)/python proofs/planted_changes.py --seeds 20
	@$(BIN)/python proofs/malformed_pages.py --cases 1000 --seed 1
	@$(BIN)/python proofs/third_party_server.py --seed 1
	@$(BIN)/python proofs/metrics_truth.py --jobs 1000 --processes 4
	@$(BIN)/python proofs/fuzz_api.py --cases 200 --bodies 10000 --seed 1
	@$(BIN)/python proofs/sse_clients.py --clients 500 --minutes 10 --seed 1

.PHONY: lint types imports tests
tests: env-dev
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: env-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: env-dev
	@$(BIN)/basedpyright

imports: env-dev
	@$(BIN)/lint-imports --no-cache

fmt: env-dev ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: env-dev ## Make the generated reference pages anew
	@$(BIN)/python scripts/reference.py

lock: ## Make the lock files anew (needs uv)
	@scripts/lock.sh

# A stamp holds the lock's digest: an environment that is up to date is left alone, without network.
env: ## The environment of `make demo`
	@scripts/environment.sh $(PYTHON) $(VENV) $(STANDARD_LOCK)

env-dev: ## The environment of `make test`
	@scripts/environment.sh $(PYTHON) $(VENV) $(DEV_LOCK)

# Servers that tests start and that come in no wheel.
.PHONY: services
services:
	@scripts/services.sh

# The second supported version, where this machine has it.
test-3.13:
	@if python3.13 -c '' 2>/dev/null; then \
	  scripts/environment.sh python3.13 $(VENV)-3.13 $(DEV_LOCK); \
	  $(VENV)-3.13/bin/python -m pytest -n $(WORKERS) --dist worksteal -q; \
	else echo "python3.13 is not on the PATH: tested on $$($(BIN)/python --version) only"; fi

clean: ## Remove the environments and what the demo made
	@rm -rf $(VENV) $(VENV)-3.13 $(DEMO) .pytest_cache .ruff_cache .hypothesis .coverage*

help: ## This list
	@grep -hE '^[a-z0-9.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
