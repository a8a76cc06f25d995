# What CI runs, and what a newcomer types first. Variables: PYTHON, WORKERS, ARGS.
.DEFAULT_GOAL := help
.PHONY: help demo test check lint types suite bench soak scorecard servers docs lock build clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV ?= .venv
# More than there are cores: a test waits for a server, a timer or a disk for a third of its time.
WORKERS ?= $(shell expr 3 '*' $$(getconf _NPROCESSORS_ONLN) / 2)
ARGS ?=
RUN := $(VENV)/run.installed
DEV := $(VENV)/dev.installed
export VENV PYTHON

help: ## Show these lines
	@grep -hE '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sort | \
	  awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

demo: $(RUN) ## The whole story in three minutes, ending in out/demo.html
	@mkdir -p out
	@$(VENV)/bin/stockops demo --report out/demo.html $(ARGS)

test: servers lint types ## Install the servers (root or sudo), then everything CI holds against a change
	CI=1 $(VENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

suite: $(DEV) ## The tests alone; an engine that is not installed is skipped
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: lint types ## Lint, types and the shape of the code, in seconds
	$(VENV)/bin/python -m pytest tests/test_layout.py tests/test_style.py $(ARGS)

lint: $(DEV) ## ruff, rules and format
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

types: $(DEV) ## mypy, strict
	$(VENV)/bin/mypy

bench: $(DEV) ## Measure, and write docs/benchmarks.md
	$(VENV)/bin/python scripts/bench.py $(ARGS)

soak: $(DEV) ## The tests that take minutes
	$(VENV)/bin/python -m pytest -m soak $(ARGS)

scorecard: $(DEV) ## Lose backups in twenty ways, and write docs/scorecard.md
	$(VENV)/bin/python scripts/scorecard.py $(ARGS)

servers: ## Install what the tests run against (apt; root or sudo)
	scripts/install-test-servers.sh

docs: $(RUN) ## Write the pages that are made from the program
	$(VENV)/bin/python scripts/erd.py
	$(VENV)/bin/python scripts/command_pages.py
	$(VENV)/bin/python scripts/settings_page.py

lock: $(DEV) ## Write requirements/*.txt anew; ARGS=--upgrade takes newer versions
	scripts/lock.sh $(ARGS)

build: $(RUN) ## Build the wheel and the source archive into dist/
	$(VENV)/bin/python -m hatchling build

clean: ## Remove what was built, the virtual environment and the caches; labs stay
	rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements/run.txt pyproject.toml scripts/install.sh
	@scripts/install.sh run

$(DEV): requirements/dev.txt pyproject.toml scripts/install.sh
	@scripts/install.sh dev
