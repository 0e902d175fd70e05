# Every target sets up what it needs in .venv, and says what this machine lacks. "make help" lists them.

PYTHON ?= python3
AGAINST ?=
BASE ?= HEAD
CHECKOUT ?=
EXAMPLES ?= 2000
INPUTS ?= 10000000
MINUTES ?= 10
ORDERS ?= 100000000

PACKAGES := chromium chromium-driver openssl prometheus stunnel4 tshark

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Hundreds of Pythons start in a run of the tests: none of them compiles what another has, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
SCHEMAS := $(wildcard src/pricetime/*/*.pxd)
SOURCES := setup.py $(SCHEMAS) $(wildcard $(SCHEMAS:.pxd=.py))
PYTEST := $(BIN)/python -m pytest
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs
LONG_PYTEST := $(PYTEST) -o faulthandler_timeout=0
CORE_TESTS = tests/native tests/core tests/properties tests/scenarios tests/fuzz

.PHONY: always help build packages demo test test-compiled test-pure test-slow coverage fuzz soak bench bench-client bench-ring bench-journal bench-recovery bench-exchange bench-load bench-pipeline bench-pages bench-public bench-compare profile lint pictures settings screenshot wire dashboard docs docs-serve format clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16
	@echo "settings        PYTHON=$(PYTHON) BASE=$(BASE) EXAMPLES=$(EXAMPLES) INPUTS=$(INPUTS) MINUTES=$(MINUTES) ORDERS=$(ORDERS) CHECKOUT=$(CHECKOUT) AGAINST=$(AGAINST)"

# The script leaves the stamp as it is unless it has set something up, so what depends on it is remade only then.
.venv/installed: always
	@command -v $(PYTHON) >/dev/null || { echo "pricetime: no $(PYTHON) here. Install Python 3.11 or newer (Debian: apt" \
		"install python3 python3-venv python3-dev), or name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) tools/environment.py $(if $(filter file,$(origin PYTHON)),,--chosen)

.venv/compiled: .venv/installed $(SOURCES)
	@echo "pricetime: compiling the core"
	@PRICETIME_BUILD=develop $(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

build: .venv/installed ## set up .venv and compile the core in place
	@case $$($(BIN)/python tools/check_machine.py) in \
		compiled) $(MAKE) --silent .venv/compiled ;; \
		pure) rm -f .venv/compiled src/pricetime/*/*.so ;; \
	esac

packages: ## what only some tests need, and skip without: a browser, a Prometheus server, stunnel, tshark (Debian, as root)
	@apt-get update --quiet --quiet
	@DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends $(PACKAGES) >/dev/null

demo: build ## replay a session through the book, then an exchange with a million orders, killed in the middle
	@$(BIN)/pricetime demo
	@if [ -e .venv/compiled ]; then $(BIN)/pricetime demo --exchange; fi

test: build ## every test, then those of the core once more in the pure form, which they must cover wholly
	@if [ -e .venv/compiled ]; then $(MAKE) test-compiled test-pure; else $(MAKE) test-pure CORE_TESTS=tests; fi

test-compiled:
	@$(PYTEST) -n auto --dist worksteal --compiled

test-pure:
	@PRICETIME_PURE=1 $(PYTEST) -n auto --dist worksteal --cov --cov-fail-under 100 $(CORE_TESTS)

test-slow: build ## the tests marked slow at their whole size: kills, bad networks, power losses, damaged journals
	@[ ! -e .venv/compiled ] || SLOW=1 $(LONG_PYTEST) -n auto --dist worksteal --compiled -m slow

coverage: build ## what the tests cover of the core, as pages in htmlcov/
	@PRICETIME_PURE=1 $(PYTEST) -n auto --dist worksteal --cov --cov-report html $(CORE_TESTS)
	@echo "open htmlcov/index.html"

fuzz: build ## random flows against the reference for MINUTES, the stateful properties EXAMPLES times, INPUTS for the wire and the gateway
	@$(BIN)/python -m tests.fuzz --seconds $$((60 * $(MINUTES))) --out build
	@EXAMPLES=$(EXAMPLES) $(LONG_PYTEST) --hypothesis-profile long tests/properties/test_stateful.py
	@$(BIN)/python -m tests.fuzz.wire --inputs $(INPUTS)
	@[ ! -e .venv/compiled ] || $(BIN)/python -m tests.fuzz.gateway --inputs $(INPUTS)

soak: build ## a steady flow for MINUTES, ORDERS through a server, a flood of logins: right, and memory flat (the server's to 1 %)
	@MINUTES=$(MINUTES) ORDERS=$(ORDERS) $(LONG_PYTEST) --compiled --verbose tests/soak

bench: build ## the path from naive to final, measured
	@$(BIN)/python -m benchmarks

bench-ring: build ## the ring beside queues, a pipe and a mutex, turn and turn about
	@$(BIN)/python -m benchmarks.ring

bench-client: build ## commands per second of the clients, with futures and in bulk
	@$(BIN)/python -m benchmarks.client

bench-journal: build ## what the journal costs the engine, on the disk under build/
	@$(BIN)/python -m benchmarks.journal

bench-exchange: build ## the whole exchange, at 1 M orders a second for 30 seconds, then as fast as it goes
	@$(BIN)/python -m benchmarks.exchange --rate 1000000 --seconds 30 --server-cpu 0 --load-cpu 1
	@$(BIN)/python -m benchmarks.exchange --rate 0 --seconds 10 --server-cpu 0 --load-cpu 1

bench-load: build ## the load generator alone: how many orders a second from one processor
	@$(BIN)/python -m benchmarks.load --rate 5000000 --load-cpu 1 --echo-cpu 0
	@$(BIN)/python -m benchmarks.load --rate 0 --load-cpu 1 --echo-cpu 0

bench-pipeline: build ## the pipeline stage by stage, from matching alone to the whole exchange with a journal
	@$(BIN)/python -m benchmarks.pipeline --server-cpu 0 --load-cpu 1

profile: build ## a flame graph of the whole exchange under load, in docs/pictures
	@$(BIN)/python -m benchmarks.profile --server-cpu 0 --load-cpu 1

bench-recovery: build ## what a start costs: a replay, and a recovery with a snapshot
	@$(BIN)/python -m benchmarks.recovery

bench-pages: build ## what the live page costs those who trade
	@$(BIN)/python -m benchmarks.pages

bench-public: build ## the public benchmark of matching engines, in the built checkout that CHECKOUT names
	@[ -n "$(CHECKOUT)" ] || { echo "pricetime: name a built checkout of flash1-dev/matching-engine-benchmark: make bench-public CHECKOUT=..." >&2; exit 2; }
	@$(BIN)/python -m benchmarks.public $(CHECKOUT) $(foreach engine,$(AGAINST),--against $(engine))

bench-compare: build ## this work tree against the revision BASE; fails on a regression
	@$(BIN)/python -m benchmarks.compare --base $(BASE)

screenshot: build ## make the pictures of the live page in docs/pictures, still and animated, with Debian's chromium
	@$(BIN)/python -m tools.screenshot

wire: .venv/installed ## write what follows from the schema of the wire: page, vectors, dissector, messages.pyi
	@$(BIN)/python -m tools.wire

lint: .venv/installed ## format, lint and types
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff .; echo "run make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

pictures: build ## draw docs/pictures/runs from the recorded runs under docs/runs
	@$(BIN)/python -m tools.pictures

settings: .venv/installed ## write the page of the server's settings
	@$(BIN)/python -m tools.settings_page

dashboard: .venv/installed ## write the Grafana dashboard, and the page of the metrics
	@$(BIN)/python -m tools.dashboard
	@$(BIN)/python -m tools.metrics_page

docs: .venv/installed ## the documents as a site, in build/site, every link followed
	@$(MKDOCS) build --quiet
	@echo "pricetime: open build/site/index.html"

docs-serve: .venv/installed ## show that site and follow changes
	@$(MKDOCS) serve

format: .venv/installed ## put the source in its format
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

clean: ## remove .venv and all that was built
	rm -rf .venv build dist benchmarks/.build benchmarks/public/.build htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf src/*.egg-info src/pricetime/*/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
