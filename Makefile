# Everything runs from .venv, which `setup` builds from the hash-pinned lock.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := .venv/bin
SETUP  := .venv/.setup
SYSTEM := .venv/.system-packages
LOCKED := build gateway worker worker-local worker-braket worker-pasqal worker-quandela sandbox

# The extras behind each lock file; all.lock has every extra and the development tools.
EXTRAS_gateway         := gateway otel
EXTRAS_worker          := worker otel
EXTRAS_worker-local    := worker otel local qsim
EXTRAS_worker-braket   := worker otel braket
EXTRAS_worker-pasqal   := worker otel pasqal
EXTRAS_worker-quandela := worker otel quandela
EXTRAS_sandbox         := sandbox
GROUPS_build           := build

# Constrained by all.lock, so that an image runs the versions that the tests ran; existing pins
# stay unless LOCK_ARGS says --upgrade.
COMPILE := --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
  --generate-hashes --no-header --no-annotate --no-emit-package qsubmit
define compile_one
@echo requirements/$(1).lock
@$(BIN)/uv pip compile $(COMPILE) $(EXTRAS_$(1):%=--extra %) $(GROUPS_$(1):%=--group %) \
  --constraint requirements/all.lock --output-file requirements/$(1).lock pyproject.toml >/dev/null

endef

.PHONY: help setup demo up containers test check bench load simulate crash fuzz readings lock clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP) ## create .venv from requirements/all.lock and put the qsubmit command in it

$(SETUP): requirements/all.lock pyproject.toml
	test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/all.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(SYSTEM): $(SETUP) .ci/system-packages
	.ci/system-packages
	touch $@

demo: $(SETUP) ## one hub on this machine, a member's day from quote to bill (DEMO_ARGS=…)
	$(BIN)/python seeds/demo.py $(DEMO_ARGS)

up: $(SETUP) ## a whole hub on this machine, until interrupted (UP_ARGS="--data DIR --port P")
	$(BIN)/qsubmit up $(UP_ARGS)

containers: ## the same in containers, in the background (docker-compose.yml)
	deploy/make-secrets
	docker compose up --build --detach --wait

# Two runs: what computes shares two cores; what starts whole hubs has them to itself, one hub at a time.
test: $(SETUP) $(SYSTEM) ## every suite except the long ones and the benches (TEST_ARGS=…)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not long and not bench" tests/unit tests/contract \
	  tests/integration/vendors tests/attack tests/fuzz $(TEST_ARGS)
	$(BIN)/python -m pytest -m "not long and not bench" tests/simulation tests/e2e tests/integration \
	  --ignore tests/integration/vendors $(TEST_ARGS)

check: $(SETUP) ## format, lint, types, import arrows, unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache # its cache does not see that a module is new
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not long and not bench" tests/unit

bench: $(SETUP) ## measure admission, decision and driving (BENCH_ARGS=…)
	$(BIN)/python tests/bench/run.py $(BENCH_ARGS)

load: $(SETUP) ## floods, slow readers and half-open connections against one gateway; minutes (LOAD_ARGS=…)
	$(BIN)/python -m tests.load.run $(LOAD_ARGS)

simulate: $(SETUP) ## a million seeded schedules, and 5,000 against the sandboxes' own ledgers (SIMULATE_ARGS=…)
	$(BIN)/python -m tests.simulation.run --schedules 1000000 $(SIMULATE_ARGS)
	$(BIN)/python -m tests.simulation.run --sandboxes --schedules 5000 $(SIMULATE_ARGS)

crash: $(SETUP) $(SYSTEM) ## kill -9 at every step, with real processes and servers; an hour (TEST_ARGS=…)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m long tests/integration $(TEST_ARGS)

fuzz: $(SETUP) ## hostile programs through intake and every confined child, ten minutes (FUZZ_ARGS="--seconds N --seed N")
	$(BIN)/python -m tests.fuzz.run $(FUZZ_ARGS)

readings: $(SETUP) ## 20,000 generated OpenQASM programs against other readers (READINGS_ARGS="--cases 500000 --seed N")
	$(BIN)/python -m tests.fuzz.readings $(READINGS_ARGS)

lock: $(SETUP) ## resolve pyproject.toml again into requirements/*.lock (LOCK_ARGS=--upgrade)
	@echo requirements/all.lock
	@$(BIN)/uv pip compile $(COMPILE) $(LOCK_ARGS) --all-extras --group dev \
	  --output-file requirements/all.lock pyproject.toml >/dev/null
	$(foreach name,$(LOCKED),$(call compile_one,$(name)))

clean: ## remove .venv and everything that tools left behind
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
