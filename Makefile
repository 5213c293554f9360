# Everything one does here; `make help` lists it. The tools come from .venv, made from the hashed lock.
.DEFAULT_GOAL := help
.PHONY: help run reset quick new test fuzz test-kafka faults attacks deployment check check-deploy migrate superuser import-users audit operations status observe topics openapi events api-page variables bench lock clean
SHELL := /bin/bash
# Of images that want small layers; here each run of the tests would compile all of them again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3

BIN := .venv/bin
STAMP := .venv/.from-lock

help: ## list what one can do here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

# Its Python may have been replaced since: then it is made anew, as is one that was left half made.
ifneq ($(shell $(BIN)/python -c 'import pip; print("usable")' 2> /dev/null),usable)
.PHONY: $(STAMP)
endif

$(STAMP): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make: Python 3.11 or later is needed, and $(PYTHON) is " + sys.version.split()[0] + "; name another with: make PYTHON=python3.12 …")'
	@test -e $@ && $(BIN)/python -c 'import pip' 2> /dev/null || rm -rf .venv
	@rm -f $@
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { echo "make: $(PYTHON) has no venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "installing what requirements-dev.txt locks …"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.txt
	@touch $@

run: $(STAMP) ## start everything on this machine (PORT and DATA_DIR move it)
	@exec $(BIN)/python -m dev run

reset: $(STAMP) ## delete the data of `make run` (DATA_DIR), which must not run
	@$(BIN)/python -m dev reset

quick: $(STAMP) ## in some 20 s: lint, types, and the tests of what changed since the last commit
	@$(BIN)/python -m dev.quick

# Most tests wait for something, so there may be more workers than cores; each has parts of its own. The tests marked
# `alone` measure, and run after the others.
WORKERS ?= 4
TOGETHER := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder -m "not alone" --cov=api.kernel --cov-report= --durations=15
ALONE := -m alone --cov=api.kernel --cov-append --cov-report=term-missing:skip-covered --cov-fail-under=95 --durations=5
test: $(STAMP) ## run every test against the real parts, on WORKERS=4; ARGS="tests/users -x" picks, on one
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest $(TOGETHER)
	@$(BIN)/python -m pytest $(ALONE)
endif

test-kafka: $(STAMP) ## the worker's tests and the faults against Apache Kafka (needs Java 17 and Maven)
	@$(BIN)/python -m dev.apache_kafka $(BIN)/python -m pytest $(or $(ARGS),tests/dev/test_apache_kafka.py tests/worker tests/faults)

faults: $(STAMP) ## everything dies, at random, for MINUTES=20; writes docs/reliability.md's table
	@$(BIN)/python -m tests.faults --minutes $(or $(MINUTES),20)

fuzz: $(STAMP) ## ask the whole API 5,000 things, anew each time (CI=1: the same)
	@$(BIN)/python -m pytest tests/fuzz -v -s $(ARGS)

attacks: $(STAMP) ## attack `make run` and production behind nginx, a line for each attack; ARGS="7 flood" picks
	@$(BIN)/python -m tests.attacks $(ARGS)

deployment: $(STAMP) ## deploy as docs/operations.md says, with TLS everywhere (needs nginx, redis-server, postgresql)
	@$(BIN)/python -m tests.deploy.deployment

check: $(STAMP) ## ruff, mypy strict, and the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.deploy/.from-lock: requirements-deploy.txt $(STAMP)
	@test -x .deploy/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .deploy
	@$(BIN)/uv pip sync --quiet --python .deploy/bin/python --require-hashes requirements-deploy.txt
	@touch $@

check-deploy: .deploy/.from-lock ## lint the Dockerfile, compose.yaml, the Kubernetes manifests and systemd units
	@.deploy/bin/hadolint Dockerfile
	@.deploy/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	@.deploy/bin/kubernetes-validate --quiet --strict docs/deploy/kubernetes.yaml
	@$(BIN)/python -m dev.systemd docs/deploy/systemd

new: $(STAMP) ## write a feature to begin with: make new FEATURE=articles (ONE=article where its singular is irregular)
	@$(BIN)/python -m dev.new "$(FEATURE)" $(ONE)
	@$(MAKE) --no-print-directory openapi events
	@echo 'Next: describe the columns in migrations/, then `make migrate` and `make test ARGS=tests/$(FEATURE)`.'

migrate: $(STAMP) ## apply new migrations to the database of a running `make run`
	@exec $(BIN)/python -m dev exec $(BIN)/python -m migrations

superuser: $(STAMP) ## make EMAIL=… a superuser, or open such an account, while `make run` runs
	@test -n "$(EMAIL)" || { echo 'superuser: say whose: make superuser EMAIL=ada@example.com' >&2; exit 1; }
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.superuser "$(EMAIL)"

import-users: $(STAMP) ## open the accounts of FILE=…, while `make run` runs (ARGS="--verified --invite"; docs/operations.md)
	@test -n "$(FILE)" || { echo 'import-users: say which file: make import-users FILE=users.csv' >&2; exit 1; }
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.importing $(ARGS) "$(FILE)"

audit: $(STAMP) ## check the audit's chain of hashes, while `make run` runs (EXPECT=POSITION:HASH)
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.audit $(if $(EXPECT),--expect $(EXPECT))

operations: $(STAMP) ## dead letters, throttled accounts, roles, while `make run` runs; ARGS="dead-letters list", or ARGS=--help
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.operations $(ARGS)

status: $(STAMP) ## what is wrong and what mends it, how each part is doing, what waits, while `make run` runs
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.system

topics: $(STAMP) ## the topics that Kafka must have, while `make run` runs; ARGS=--create makes what is missing
	@exec $(BIN)/python -m dev exec $(BIN)/python -m worker topics $(ARGS)

observe: $(STAMP) ## start Prometheus beside `METRICS_PORT=9464 make run` (needs Debian's package prometheus)
	@exec $(BIN)/python -m dev.observe

openapi: $(STAMP) ## write docs/openapi.json from the routes
	@$(BIN)/python -c 'import sys; from api.features import FEATURES; from api.kernel.contract.openapi import document; sys.stdout.buffer.write(document(FEATURES))' > docs/openapi.json

events: $(STAMP) ## write docs/asyncapi.json and docs/events/ from the events; refuses what would break a consumer
	@$(BIN)/python -c 'import sys; from pathlib import Path; from api.features import FEATURES; from api.kernel.contract.asyncapi import write; sys.exit("\n".join(write(FEATURES, Path("docs"))) or 0)'

variables: $(STAMP) ## write the features' variables into docs/operations.md and .env.example
	@$(BIN)/python -m tests.variables_table

api-page: $(STAMP) ## write docs/api.md's examples from a run
	@$(BIN)/python -m tests.api_page

.bench/.from-lock: requirements-bench.txt $(STAMP)
	@test -x .bench/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .bench
	@$(BIN)/uv pip sync --quiet --python .bench/bin/python --require-hashes requirements-bench.txt
	@touch $@

bench: $(STAMP) .bench/.from-lock ## measure, side by side, and write docs/benchmarks.md (BENCH=quick for a look)
	@$(BIN)/python -m benchmarks

lock: $(STAMP) ## resolve pyproject.toml's dependencies anew into the three lock files
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade pyproject.toml --group dev -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --group bench -o requirements-bench.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --group deploy -o requirements-deploy.txt

clean: ## forget the virtual environment and every cache; the data stays
	@rm -rf .venv .bench .deploy .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .import_linter_cache .dmypy.json
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
