# The verbs of this project. `make` alone prints them.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test fast check format lint types imports dependencies lock audit clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
SIDE_BY_SIDE := -n 3 --dist worksteal

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the virtual environment from the hashed requirements, find or install Chromium
$(STAMP): requirements/dev.txt pyproject.toml deploy/ensure_chromium.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Sinyal needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "setting up .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@deploy/ensure_chromium.sh
	@touch $(STAMP)

DEMO := $(if $(TAPE),--tape "$(TAPE)") $(if $(SPEED),--speed $(SPEED)) $(if $(SECONDS),--seconds $(SECONDS)) \
  $(if $(SUBSCRIBERS),--subscribers $(SUBSCRIBERS)) $(if $(JSON),--json "$(JSON)") \
  $(if $(filter command line,$(origin LANG)),--lang $(LANG))

demo: setup ## run everything on this machine: make demo [TAPE=path] [SPEED=60] [SECONDS=60] [SUBSCRIBERS=3] [LANG=id|en] [JSON=file]
	@$(BIN)/sinyal demo $(DEMO)

up: setup ## run the five services against real servers, from the environment and .env
	@$(BIN)/sinyal up

test: setup ## run every test, three at a time (most of them wait)
	@$(BIN)/pytest $(SIDE_BY_SIDE)

fast: setup ## run the tests that need no server, no browser and no patience
	@$(BIN)/pytest $(SIDE_BY_SIDE) -m "not real and not browser and not stack and not slow"

check: setup format lint types imports dependencies test ## what CI runs: every gate, then every test

format: setup
	@$(BIN)/ruff format --check .
lint: setup
	@$(BIN)/ruff check .
types: setup
	@$(BIN)/mypy
imports: setup
	@$(BIN)/lint-imports
dependencies: setup
	@$(BIN)/deptry .

lock: setup ## write the hashed requirements anew
	@UV=$(BIN)/uv requirements/lock.sh

audit: setup ## look the locked requirements up among known vulnerabilities
	@$(BIN)/pip-audit --require-hashes --disable-pip -r requirements/dev.txt

clean: ## remove the virtual environment and all caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .sinyal
