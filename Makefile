# Development commands; `make help` lists them. The tools are in .venv, created from the hashed lock file.
.DEFAULT_GOAL := help
.PHONY: help run reset quick new test fuzz test-kafka faults attacks deployment check check-deploy migrate superuser import-users audit operations status observe topics openapi events api-page variables web web-build web-check web-api web-modules e2e bench bench-check cost lock clean
SHELL := /bin/bash
# Set in images for small layers; here it would make each test run compile everything again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3

BIN := .venv/bin
STAMP := .venv/.from-lock

help: ## list these commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 18

# Recreate .venv if its Python was replaced or its creation was interrupted.
ifneq ($(shell $(BIN)/python -c 'import pip; print("usable")' 2> /dev/null),usable)
.PHONY: $(STAMP)
endif

$(STAMP): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make: Python 3.11 or later is required, but $(PYTHON) is " + sys.version.split()[0] + "; select another with: make PYTHON=python3.12 …")'
	@test -e $@ && $(BIN)/python -c 'import pip' 2> /dev/null || rm -rf .venv
	@rm -f $@
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { echo "make: $(PYTHON) has no venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "installing the packages in requirements-dev.txt …"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.txt
	@touch $@

run: $(STAMP) ## start everything on this machine (PORT, DATA_DIR; WEB=off does not build web/)
	@exec $(BIN)/python -m dev run

reset: $(STAMP) ## delete the data of `make run` (DATA_DIR), which must be stopped
	@$(BIN)/python -m dev reset

quick: $(STAMP) ## lint, type-check and run the tests of the changes since the last commit, in about 20 s
	@$(BIN)/python -m dev.quick

# Most tests wait for something, so there may be more workers than cores; each has parts of its own. The tests marked
# `alone` measure, and run after the others.
WORKERS ?= 4
TOGETHER := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder -m "not alone" --cov=api.kernel --cov-report= --durations=15
ALONE := -m alone --cov=api.kernel --cov-append --cov-report=term-missing:skip-covered --cov-fail-under=95 --durations=5
ALONE_FILES = $(sort $(shell grep -rlE 'mark\.alone' tests --include='test_*.py'))
test: $(STAMP) ## run all tests against real services with WORKERS=4; ARGS="tests/users -x" selects some, with one
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest $(TOGETHER)
	@$(BIN)/python -m pytest $(ALONE) $(ALONE_FILES)
endif

test-kafka: $(STAMP) ## run the worker's tests and the fault tests against Apache Kafka (needs Java 17 and Maven)
	@$(BIN)/python -m dev.apache_kafka $(BIN)/python -m pytest $(or $(ARGS),tests/dev/test_apache_kafka.py tests/worker tests/faults)

faults: $(STAMP) ## inject random faults for MINUTES=20 and write the table in docs/reliability.md
	@$(BIN)/python -m tests.faults --minutes $(or $(MINUTES),20)

fuzz: $(STAMP) ## send 5,000 generated requests to the API, new ones each time (CI=1: always the same)
	@$(BIN)/python -m pytest tests/fuzz -v -s $(ARGS)

attacks: $(STAMP) ## attack `make run` and production behind nginx; ARGS="7 flood" selects attacks
	@$(BIN)/python -m tests.attacks $(ARGS)

deployment: $(STAMP) ## test the deployment in docs/operations.md, with TLS everywhere (needs nginx, redis-server, postgresql)
	@$(BIN)/python -m tests.deploy.deployment

check: $(STAMP) ## run ruff, mypy (strict) and import-linter
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

new: $(STAMP) ## generate a feature: make new FEATURE=articles (ONE=… sets an irregular singular)
	@$(BIN)/python -m dev.new "$(FEATURE)" $(ONE)
	@$(MAKE) --no-print-directory openapi events
	@echo 'Next: describe the columns in migrations/, then `make migrate` and `make test ARGS=tests/$(FEATURE)`.'

migrate: $(STAMP) ## apply new migrations to the database of a running `make run`
	@exec $(BIN)/python -m dev exec $(BIN)/python -m migrations

superuser: $(STAMP) ## make the account EMAIL=… a superuser, creating it if needed, while `make run` runs
	@test -n "$(EMAIL)" || { echo 'superuser: EMAIL is missing: make superuser EMAIL=ada@example.com' >&2; exit 1; }
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.superuser "$(EMAIL)"

import-users: $(STAMP) ## import the accounts in FILE=…, while `make run` runs (ARGS="--verified --invite"; docs/operations.md)
	@test -n "$(FILE)" || { echo 'import-users: FILE is missing: make import-users FILE=users.csv' >&2; exit 1; }
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.importing $(ARGS) "$(FILE)"

audit: $(STAMP) ## verify the audit's chain of hashes, while `make run` runs (EXPECT=POSITION:HASH)
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.audit $(if $(EXPECT),--expect $(EXPECT))

operations: $(STAMP) ## manage dead letters, throttled accounts and roles, while `make run` runs; ARGS="dead-letters list" or --help
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.operations $(ARGS)

status: $(STAMP) ## show faults and remedies, the state of each dependency and pending work, while `make run` runs
	@exec $(BIN)/python -m dev exec $(BIN)/python -m api.system

topics: $(STAMP) ## list the required Kafka topics, while `make run` runs; ARGS=--create creates the missing ones
	@exec $(BIN)/python -m dev exec $(BIN)/python -m worker topics $(ARGS)

observe: $(STAMP) ## start Prometheus for `METRICS_PORT=9464 make run` (needs Debian's package prometheus)
	@exec $(BIN)/python -m dev.observe

openapi: $(STAMP) ## write docs/openapi.json from the routes, and web/src/app/api if `make web-api` has run before
	@$(BIN)/python -c 'import sys; from api.features import FEATURES; from api.kernel.contract.openapi import document; sys.stdout.buffer.write(document(FEATURES))' > docs/openapi.json
	@test ! -e web/node_modules/.from-lock || $(MAKE) --no-print-directory web-api

events: $(STAMP) ## write docs/asyncapi.json and docs/events/ from the events; refuses breaking changes
	@$(BIN)/python -c 'import sys; from pathlib import Path; from api.features import FEATURES; from api.kernel.contract.asyncapi import write; sys.exit("\n".join(write(FEATURES, Path("docs"))) or 0)'

variables: $(STAMP) ## write the features' variables into docs/operations.md and .env.example; the table of personal data, too
	@$(BIN)/python -m tests.variables_table
	@$(BIN)/python -m tests.personal_table

api-page: $(STAMP) ## write the examples in docs/api.md from a run
	@$(BIN)/python -m tests.api_page

# Node.js and npm come from a wheel, so that a machine needs neither. Programs of npm find `node` by PATH.
NPM := cd web && PATH="$(CURDIR)/.node/bin:$$PATH" npm
.node/.from-lock: requirements-web.txt | $(STAMP)
	@echo 'installing Node.js from requirements-web.txt …'
	@test -x .node/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .node
	@$(BIN)/uv pip sync --quiet --python .node/bin/python --require-hashes requirements-web.txt
	@touch $@

web/node_modules/.from-lock: web/package-lock.json web/.npmrc .node/.from-lock
	@echo 'installing the packages in web/package-lock.json …'
	@$(NPM) ci --loglevel=error --prefer-offline --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 > /dev/null
	@touch $@

# The folders are among them, because a removed file changes its folder.
SOURCES := $(shell find web/src web/assets ! -name '*.spec.ts' 2> /dev/null) $(addprefix web/,package.json angular.json tsconfig.json tsconfig.app.json compress.mjs)
web/dist/.from-sources: $(SOURCES) web/node_modules/.from-lock
	@echo 'building the application in web/ …'
	@($(NPM) run --silent build) > .node/build.log 2>&1 || { cat .node/build.log >&2; exit 1; }
	@touch $@

# One at a time: `make run` and another command may both find that something is missing.
web-modules: $(STAMP)
	@flock web $(MAKE) --silent --no-print-directory web/node_modules/.from-lock

web-build: $(STAMP) ## build the application in web/dist, if a file in web/ has changed
	@flock web $(MAKE) --silent --no-print-directory web/dist/.from-sources

web: web-modules ## serve web/ at http://localhost:4200 with live reload, beside a running `make run`
	@$(BIN)/python -m dev exec sh -c 'export API_PORT=$$PORT; unset PORT; $(NPM) run --silent start' # ng serve would listen on PORT

# The folder is compared with a new one, because a working tree has other changes too.
web-check: web-modules ## lint web/, check its types, run its specs, and check that web/src/app/api is not stale
	@rm -rf web/.angular/api && $(NPM) run --silent api -- --output .angular/api > /dev/null
	@diff --recursive --brief web/.angular/api web/src/app/api || { echo 'web-check: web/src/app/api is stale: run `make web-api`' >&2; exit 1; }
	@$(NPM) run --silent lint
	@$(NPM) exec -- tsc --project tsconfig.e2e.json
	@test -z "$$(find web/src -name '*.spec.ts')" || { $(NPM) test; }

e2e: web-build ## run the journeys of web/e2e in Chromium (or in what CHROMIUM names); ARGS="sessions -g phone" selects some
	@$(NPM) run --silent e2e -- $(ARGS)

web-api: web-modules ## write web/src/app/api from docs/openapi.json
	@$(NPM) run --silent api > /dev/null

.bench/.from-lock: requirements-bench.txt $(STAMP)
	@test -x .bench/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .bench
	@$(BIN)/uv pip sync --quiet --python .bench/bin/python --require-hashes requirements-bench.txt
	@touch $@

# Of what `make bench` compares, better-auth alone is on npm; without it, its line is left out.
.bench/better_auth/.from-lock: benchmarks/better_auth/package-lock.json benchmarks/better_auth/server.mjs .bench/.from-lock
	@mkdir -p $(@D)
	@cp benchmarks/better_auth/package.json benchmarks/better_auth/package-lock.json benchmarks/better_auth/.npmrc benchmarks/better_auth/server.mjs $(@D)
	@cd $(@D) && PATH="$(CURDIR)/.bench/bin:$$PATH" npm ci --ignore-scripts --silent && touch .from-lock || { rm -rf node_modules; echo 'bench: better-auth could not be installed; it is left out'; }

cost: $(STAMP) ## count the files that a column, an endpoint and a feature touch; time `make quick` and the reload
	@$(BIN)/python -m tests.cost

bench: $(STAMP) .bench/.from-lock .bench/better_auth/.from-lock ## run the benchmarks and write docs/benchmarks.md and .json; ARGS="me --quick" runs some
	@$(BIN)/python -m benchmarks $(ARGS)

bench-check: $(STAMP) ## compare the CPU time of requests with the recorded ratios (ARGS=--record writes them)
	@$(BIN)/python -m benchmarks.check $(ARGS)

lock: $(STAMP) ## update the lock files from the dependencies in pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade pyproject.toml --group dev -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --group bench -o requirements-bench.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --group deploy -o requirements-deploy.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --group web -o requirements-web.txt
	@command -v npm > /dev/null && cd tests/clients && npm update --package-lock-only --silent || echo 'lock: without npm, tests/clients/package-lock.json stays as it is'
	@command -v npm > /dev/null && cd benchmarks/better_auth && npm update --package-lock-only --ignore-scripts --silent || echo 'lock: without npm, benchmarks/better_auth/package-lock.json stays as it is'

clean: ## delete the virtual environments and caches; keeps the data
	@rm -rf .venv .bench .deploy .node .clients web/node_modules web/.angular web/dist web/screenshots web/test-results .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .import_linter_cache .dmypy.json
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
