# make demo      installs into .venv and evolves the starter seeds with the offline client
# make test      the tests; under 5 minutes on two cores
# make test-all  those, then the longer and heavier ones
# make bench     what calls cost and how near they come to limits; 15 minutes, two quiet cores
# make soak      runs that are killed again and again; MINUTES=10
# make check     format, lint, types
# make rules-report PAIRS=FILE  writes docs/rules.md anew, from a file of accepted pairs
# make clean     removes what the others made

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --editable

.PHONY: demo test test-all soak check rules-report clean

# --update: a demo made from other seeds or prompts is carried over instead of refused.
demo: $(VENV)/installed
	$(BIN)/evolinstruct evolve seeds/starter.jsonl -o demo --client offline --update

test: $(VENV)/installed-dev
	@$(BIN)/pytest -n 2 -m "not slow"

test-all: test
	@$(BIN)/pytest -n 2 -m slow -rs

bench: $(VENV)/installed-dev
	@$(BIN)/python -m tests.bench

soak: $(VENV)/installed-dev
	@$(BIN)/python -m tests.faults.soak $(or $(MINUTES),10)

check: $(VENV)/installed-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

rules-report: $(VENV)/installed
	@$(BIN)/python docs/rules_report.py --pairs "$(PAIRS)" > docs/rules.md.partial
	@mv docs/rules.md.partial docs/rules.md

clean:
	rm -rf $(VENV) demo dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/pip:
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	echo "Needed: Python 3.11 or newer with its venv module; name it with make PYTHON=..." >&2; exit 1; }

$(VENV)/installed: pyproject.toml | $(BIN)/pip
	@echo "Installing evolinstruct into $(VENV) ..."
	@$(INSTALL) .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/pip
	@echo "Installing evolinstruct and its development tools into $(VENV) ..."
	@$(INSTALL) '.[dev]'
	@touch $@ $(VENV)/installed
