# Two commands do everything on a fresh machine with Python 3.11 or later: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

# No telemetry and no look-ups from the libraries underneath.
export FLWR_TELEMETRY_ENABLED := 0
export FLWR_DISABLE_UPDATE_CHECK := 1
export FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION := 1
export RAY_USAGE_STATS_ENABLED := 0

.DEFAULT_GOAL := help
.PHONY: help install demo test test-ci test-all coverage lint reference lock stubs format

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Phantom hospitals, federated training, report: demo-out/report.html (about 10 minutes)
	rm -rf demo-out
	$(BIN)/pneumofed demo --out demo-out

# A test process a core. Deployments mostly wait, two at a time; each file has a deployment of its own.
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)
SPREAD := -n $(WORKERS) --dist worksteal

# uv comes with flwr. What it prints is what it writes.
LOCK := $(BIN)/uv --quiet pip compile --constraint constraints.txt --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header

# `make test test-ci coverage COVERAGE=1` measures what the tests reach.
MEASURED := $(if $(COVERAGE),-m coverage run)

test: $(STAMP) ## The tests that need neither a GPU nor patience
	$(BIN)/python $(MEASURED) -m pytest $(SPREAD)

test-ci: $(STAMP) ## The tests with real processes: deployment, faults, attacks (about 20 minutes)
	$(BIN)/python $(MEASURED) -m pytest -m "ci and not slow" -n 2 --dist loadfile

test-all: $(STAMP) ## All tests; those for a GPU are skipped where there is none
	$(BIN)/python -m pytest -m ""

coverage: $(STAMP) ## Lines and branches that the tests reached, by room; after tests with COVERAGE=1
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage json --quiet -o .coverage.json
	$(BIN)/python .ci/coverage_by_room.py .coverage.json

lint: $(STAMP) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

reference: $(STAMP) ## Generate docs/reference/ from the code
	$(BIN)/python -m docs.generate_reference

lock: $(STAMP) ## Lock what is installed, by version and hash, at the versions of constraints.txt
	$(LOCK) pyproject.toml --extra pacs -o deploy/release/run.txt
	$(LOCK) pyproject.toml --extra dev -o deploy/release/dev.txt
	printf 'hatchling\npip\n' | $(LOCK) - -o deploy/release/build.txt

stubs: $(STAMP) ## Generate the stubs of both sockets from client/wire/*.proto
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. client/wire/trainer.proto client/wire/control.proto

format: $(STAMP) ## Sort imports and lay out the code
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

install: $(STAMP) ## Make .venv and install what is needed; the other targets do it by themselves

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is not Python 3.11 or later: name one that is, as in 'make PYTHON=python3.12'" >&2; exit 1; }
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -e '.[dev]' -c constraints.txt
	@touch $@
