# make demo      installs into .venv and evolves the starter seeds with the offline client
# make test      the tests; under 5 minutes on two cores
# make test-all  all tests, the longer and heavier ones too
# make check     format, lint, types
# make clean     removes what the others made

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done || echo no-python-3.11)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-all check clean

demo: $(VENV)/installed
	@$(BIN)/evolinstruct evolve seeds/starter.jsonl -o demo --client offline

test: $(VENV)/installed-dev
	$(BIN)/pytest -n 2 -m "not slow"

test-all: $(VENV)/installed-dev
	$(BIN)/pytest -n 2 -rs

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV) || { echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.12" >&2; exit 1; }

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing evolinstruct into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing evolinstruct and its development tools into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/installed
