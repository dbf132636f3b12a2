# Every target sets up what it needs in .venv, from the package registries, by hashes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STACK ?= embedded
DATA ?=
BRANDS ?=
POSTS ?=
DEMO_OPTIONS = --stack $(STACK) $(if $(DATA),--data $(DATA)) $(if $(BRANDS),--brands $(BRANDS)) \
	$(if $(POSTS),--posts $(POSTS))
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help demo test test-engines lint format bench bench-models generate lock clean

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /  make \1\t/' \
		| awk -F'\t' '{printf "%-22s %s\n", $$1, $$2}'

# A stamp a set: pip is asked again only when its lock changed.
$(VENV)/python: 
	$(PYTHON) -c 'import sys; sys.exit("tocsin needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@touch $@

$(VENV)/runtime: requirements/runtime.txt pyproject.toml | $(VENV)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/runtime ## A day of posts through the whole pipeline (STACK=engines, DATA=file, POSTS=n).
	$(BIN)/tocsin demo $(DEMO_OPTIONS)

test: $(VENV)/dev ## Lint, types, layers, and every test that needs no engines.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest

test-engines: $(VENV)/dev ## The tests on real Kafka and real Elasticsearch (needs Java and Maven).
	$(BIN)/pytest -m engines

lint: $(VENV)/dev ## Lint and types only.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/dev ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev ## The whole pipeline on real engines: rates, latencies, memory, to a report.
	$(BIN)/python -m benchmarks.pipeline

bench-models: $(VENV)/dev ## Accuracy and speed of each annotator.
	$(BIN)/python -m benchmarks.models

generate: $(VENV)/dev ## Write what is generated: JSON Schemas, reference pages.
	$(BIN)/python -m schemas.generate
	$(BIN)/python docs/generate.py

lock: | $(VENV)/python ## Resolve the dependencies anew.
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --upgrade pyproject.toml --extra x --extra embedded --extra models -o requirements/runtime.txt
	$(COMPILE) --upgrade pyproject.toml --extra x --extra embedded --extra models --extra dev \
		-c requirements/runtime.txt -o requirements/dev.txt

clean: ## Take away what was set up and what the stacks keep here.
	rm -rf $(VENV) .tocsin build *.egg-info
