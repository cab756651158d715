# `make run` and `make test` are all a new machine needs besides git, make and python3.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help run test lint types lock clean
help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(READY): requirements.lock pyproject.toml
	@echo "setting up $(VENV) (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY) ## collect what is due, assess it, write the report
	@$(BIN)/tracker run || { code=$$?; test $$code -eq 3 && echo "some sources failed (listed above); what came is stored"; }

test: $(READY) ## the offline suite with line and branch coverage
	@$(BIN)/python -m pytest -n 2 --cov --cov-report=term

lint: $(READY) ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY) ## mypy --strict
	@$(BIN)/mypy

lock: ## pin every dependency anew
	@uv pip compile --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header --quiet \
	  --python-version 3.11 --extra dev --extra fast pyproject.toml -o requirements.lock

clean: ## remove the environment and caches; var/ (your data) stays
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist
