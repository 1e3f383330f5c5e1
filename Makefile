.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long test-alone test-unit lint bench bench-availability bench-telling requirements sbom clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
NGINX := .venv/nginx/usr/sbin/nginx

# Where it is set, each process that a test starts compiles slotsync anew, and Temporal's sandbox each workflow.
export PYTHONDONTWRITEBYTECODE :=

help: ## what can be made here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

setup: $(STAMP) ## everything into .venv, once

$(STAMP): pyproject.toml requirements/all.txt requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "slotsync needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements/all.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## the whole story on this machine, with pages to look at
	$(BIN)/slotsync demo

$(NGINX): | $(STAMP)
	@.ci/nginx

test: setup $(NGINX) ## all tests but the long ones, and those that measure times
	@cat $(BIN)/temporal > /dev/null  # into memory: the SDK gives the server five seconds to start
	$(BIN)/pytest --numprocesses 4 --dist worksteal  # twice what two cores have: many tests wait

test-long: setup $(NGINX) ## the tests that are too long for each change: kills, lost databases, erasures
	$(BIN)/pytest --numprocesses 3 --dist worksteal -m long

test-alone: setup ## the tests that measure times, when nothing else runs
	$(BIN)/pytest -m alone

test-unit: setup ## everything that needs no server
	$(BIN)/pytest --numprocesses 2 tests/unit

lint: setup ## ruff and mypy strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## the figures that the docs quote
	$(BIN)/python -m bench

bench-availability: setup ## what it takes to know when products are busy
	$(BIN)/python -m bench.availability

bench-telling: setup ## how soon the platform receives a busy time
	$(BIN)/python -m bench.webhook_delay

requirements: setup ## compiles requirements/ anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements/production.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --extra local --extra dev -c requirements/production.txt pyproject.toml -o requirements/all.txt
	echo uv | $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header - -o requirements/uv.txt

sbom: setup ## what production consists of, with versions and hashes: dist/slotsync.cdx.json (CycloneDX)
	@mkdir -p dist
	@PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements requirements/production.txt --pyproject pyproject.toml --output-reproducible -o dist/slotsync.cdx.json

clean: ## removes .venv and what demo and dev left
	rm -rf .venv .slotsync
