# Each target sets up .venv if needed and names what this machine lacks. "make help" lists the targets.

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

# The tests start hundreds of Python processes, which share compiled files even if the environment forbids writing them.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
SCHEMAS := $(wildcard src/pricetime/*.pxd src/pricetime/*/*.pxd src/pricetime/*/*/*.pxd)
SOURCES := setup.py $(SCHEMAS) $(wildcard $(SCHEMAS:.pxd=.py))
PYTEST := $(BIN)/python -m pytest
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs
LONG_PYTEST := $(PYTEST) -o faulthandler_timeout=0
CORE_TESTS = tests/native tests/core tests/properties tests/scenarios tests/fuzz

.PHONY: always help build packages demo demo-cluster test test-compiled test-pure test-slow test-failures coverage fuzz soak bench bench-client bench-ring bench-journal bench-recovery bench-exchange bench-load bench-pipeline bench-pages bench-public bench-venues bench-cluster bench-failover bench-compare lint settings venues structure screenshot wire dashboard docs docs-serve format clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16
	@echo "settings        PYTHON=$(PYTHON) BASE=$(BASE) EXAMPLES=$(EXAMPLES) INPUTS=$(INPUTS) MINUTES=$(MINUTES) ORDERS=$(ORDERS) CHECKOUT=$(CHECKOUT) AGAINST=$(AGAINST)"

# The script writes this file only if it has installed something, so dependent targets run only then.
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
		pure) rm -f .venv/compiled src/pricetime/*/*.so src/pricetime/*/*/*.so ;; \
	esac

packages: ## install what some tests need and skip without: Chromium, Prometheus, stunnel, tshark (Debian, as root)
	@apt-get update --quiet --quiet
	@DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends $(PACKAGES) >/dev/null

demo: build ## tell a trading day, replay a session, then run the day on an exchange and kill it under a million orders
	@$(BIN)/pricetime demo
	@if [ -e .venv/compiled ]; then $(BIN)/pricetime demo --exchange; fi

demo-cluster: build ## run a cluster under load, and kill its leader, suspend the next one, kill a NATS server
	@$(BIN)/pricetime demo --cluster

test: build ## all tests, then those of the core uncompiled, where they must cover every line
	@if [ -e .venv/compiled ]; then $(MAKE) test-compiled test-pure; else $(MAKE) test-pure CORE_TESTS=tests; fi

test-compiled:
	@$(PYTEST) -n auto --dist worksteal --compiled

test-pure:
	@PRICETIME_PURE=1 $(PYTEST) -n auto --dist worksteal --cov --cov-fail-under 100 $(CORE_TESTS)

test-slow: build ## the slow tests at full size: kills, bad networks, power losses, damaged journals, each extra installed
	@[ ! -e .venv/compiled ] || SLOW=1 $(LONG_PYTEST) -n auto --dist worksteal --compiled -m slow

test-failures: build ## hundreds of kills, suspensions and network partitions of a cluster; hours
	@SLOW=all $(LONG_PYTEST) -n auto --dist worksteal --compiled -m slow tests/cluster

coverage: build ## write the coverage of the core to htmlcov/
	@PRICETIME_PURE=1 $(PYTEST) -n auto --dist worksteal --cov --cov-report html $(CORE_TESTS)
	@echo "open htmlcov/index.html"

fuzz: build ## random flows against the reference for MINUTES, stateful properties EXAMPLES times, INPUTS bad inputs for wire and gateway
	@$(BIN)/python -m tests.fuzz --seconds $$((60 * $(MINUTES))) --out build
	@EXAMPLES=$(EXAMPLES) $(LONG_PYTEST) --hypothesis-profile long tests/properties/test_stateful.py
	@$(BIN)/python -m tests.fuzz.wire --inputs $(INPUTS)
	@[ ! -e .venv/compiled ] || $(BIN)/python -m tests.fuzz.gateway --inputs $(INPUTS)

soak: build ## a steady flow for MINUTES, ORDERS through a server, a flood of logins: results correct, memory constant
	@MINUTES=$(MINUTES) ORDERS=$(ORDERS) $(LONG_PYTEST) --compiled --verbose tests/soak

bench: build ## measure the book, between a plain Python book and a C++ book
	@$(BIN)/python -m benchmarks

bench-ring: build ## compare the ring with queues and a pipe in alternating runs
	@$(BIN)/python -m benchmarks.ring

bench-client: build ## commands per second of the clients, with futures and in bulk
	@$(BIN)/python -m benchmarks.client

bench-journal: build ## measure appends to the journal, on the disk under build/
	@$(BIN)/python -m benchmarks.journal

bench-exchange: build ## measure the exchange at 1 M orders/s for 30 s, then at an unlimited rate
	@$(BIN)/python -m benchmarks.exchange --rate 1000000 --seconds 30 --server-cpu 0 --load-cpu 1
	@$(BIN)/python -m benchmarks.exchange --rate 0 --seconds 10 --server-cpu 0 --load-cpu 1

bench-load: build ## measure the load generator alone on one processor
	@$(BIN)/python -m benchmarks.load --rate 5000000 --load-cpu 1 --echo-cpu 0
	@$(BIN)/python -m benchmarks.load --rate 0 --load-cpu 1 --echo-cpu 0

bench-pipeline: build ## measure each stage, from matching alone to the exchange with a journal
	@$(BIN)/python -m benchmarks.pipeline --server-cpu 0 --load-cpu 1

bench-recovery: build ## measure a snapshot and a start: a replay, and a recovery with the snapshot
	@$(BIN)/python -m benchmarks.recovery

bench-pages: build ## measure the exchange at 100,000 orders/s without and with 20 open live pages
	@for pages in 0 20; do $(BIN)/python -m benchmarks.exchange --rate 100000 --seconds 10 --pages $$pages --server-cpu 0 --load-cpu 1; done

bench-public: build ## run the public benchmark of matching engines in the built checkout CHECKOUT
	@[ -n "$(CHECKOUT)" ] || { echo "pricetime: name a built checkout of flash1-dev/matching-engine-benchmark: make bench-public CHECKOUT=..." >&2; exit 2; }
	@$(BIN)/python -m benchmarks.public $(CHECKOUT) $(foreach engine,$(AGAINST),--against $(engine))

bench-venues: build ## measure auctions, a cascade of stop orders, expiries, a flow, a client during an expiry
	@$(BIN)/python -m benchmarks.venues
	@$(BIN)/python -m benchmarks.expiry

bench-cluster: build ## measure appends of pages to three NATS servers on this machine, on the disk under build/
	@$(BIN)/python -m benchmarks.cluster_pages

bench-failover: build ## measure failovers of a cluster on this machine, then its throughput and its latency at a low rate
	@$(BIN)/python -m benchmarks.failover
	@$(BIN)/python -m benchmarks.cluster
	@$(BIN)/python -m benchmarks.cluster --rate 200 --sessions 1

bench-compare: build ## compare the work tree with the revision BASE; fails on a regression
	@$(BIN)/python -m benchmarks.compare --base $(BASE)

screenshot: build ## make the pictures of the live page in docs/pictures, still and animated, with Debian's Chromium
	@$(BIN)/python -m tools.screenshot

wire: .venv/installed ## generate page, test vectors, dissector and messages.pyi from the schema of the wire
	@$(BIN)/python -m tools.wire

lint: .venv/installed ## check format, style and types
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff .; echo "run make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

structure: .venv/installed ## write the list of packages in CONTRIBUTING and their picture from the sources
	@$(BIN)/python -m tools.structure

settings: .venv/installed ## generate the pages of the settings of a server and of a cluster
	@$(BIN)/python -m tools.settings_page
	@$(BIN)/python -m tools.cluster_page

venues: .venv/installed ## generate the page of venues: profiles, phases, illegal combinations
	@$(BIN)/python -m tools.venues_page

dashboard: .venv/installed ## generate the Grafana dashboard and the tables of the metrics
	@$(BIN)/python -m tools.dashboard
	@$(BIN)/python -m tools.metrics_page

docs: .venv/installed ## build the site in build/site and check its links
	@$(MKDOCS) build --quiet
	@echo "pricetime: open build/site/index.html"

docs-serve: .venv/installed ## serve the site and rebuild it on changes
	@$(MKDOCS) serve

format: .venv/installed ## format the sources
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

clean: ## remove .venv and everything built
	rm -rf .venv build dist benchmarks/.build htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf src/*.egg-info src/pricetime/*/*.so src/pricetime/*/*/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
