# The front door. `make demo` writes a report, `make test` and `make lint` are what CI runs.
# What is done is remembered in .stamps/; `make clean` forgets it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
SOURCES := $(shell find leakreport templates -type f -not -name '*.pyc' 2>/dev/null) pyproject.toml README.md LICENSE
NODE_PACKAGES := nodejs npm
DEBIAN_PACKAGES := valgrind gcc g++ make binutils chromium fonts-dejavu-core google-perftools libgoogle-perftools4 \
	libjemalloc-dev heaptrack golang-go sqlite3 git cmake automake libgtest-dev default-jdk-headless \
	$(NODE_PACKAGES)
# npm trusts what the machine trusts, as pip and apt do.
TRUST := NODE_EXTRA_CA_CERTS=$${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

.DEFAULT_GOAL := help
.PHONY: help demo test lint fuzz bench gallery man package clean
.DELETE_ON_ERROR:

help: ## this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: .stamps/demo ## install leakreport in .venv and write report.html from a recorded run
	$(BIN)/leakreport analyze fixtures/demo/memcheck.xml --source-root fixtures/demo -o report.html
	@echo "report.html is written: open it in a browser."

test: .stamps/test .stamps/packages .stamps/node ## run all tests; tools that they need are installed where that is permitted
	LEAKREPORT_REQUIRE_TOOLS=1 $(BIN)/python -m pytest -n 2

lint: .stamps/lint .stamps/node ## ruff, mypy, codespell, hadolint; tsc, eslint, prettier
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/hadolint Dockerfile
	npm --prefix tests/js run --silent check

fuzz: .stamps/test ## the fuzz and property tests with many more examples, not the same ones each time
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n 2 $(wildcard tests/fuzz tests/property)

bench: .stamps/test ## CPU and memory on large generated files, and what the page of a million nodes costs a browser
	$(BIN)/python bench/run.py
	$(BIN)/python bench/page.py

gallery: .stamps/gallery .stamps/packages ## pictures of a report of each kind: docs/gallery.md
	$(BIN)/python scripts/gallery.py

man: .stamps/test ## the manual pages from what the commands say of themselves: docs/man, and the table in docs/config.md
	$(BIN)/python scripts/manpages.py
	$(BIN)/python scripts/settings_table.py

package: .stamps/test ## wheel and source archive in dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .

clean: ## remove what was built; .venv stays
	rm -rf .stamps build dist report.html .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find leakreport tests scripts -type d -name __pycache__ -prune -exec rm -rf {} +

# Debian's python3 comes without ensurepip; python3-venv has it.
.stamps/venv:
	@mkdir -p .stamps
	test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip' 2>/dev/null || scripts/install-packages.sh python3-venv
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

# An editable installation for the tests serves the demo as well.
.stamps/demo: .stamps/venv $(SOURCES)
	test -e .stamps/test || $(PIP) install .
	@touch $@

.stamps/test: .stamps/venv pyproject.toml scripts/dependency_group.py
	$(BIN)/python scripts/dependency_group.py test > .stamps/test.txt
	$(PIP) install -r .stamps/test.txt -e .
	@touch $@

.stamps/lint: .stamps/test
	$(BIN)/python scripts/dependency_group.py lint > .stamps/lint.txt
	$(PIP) install -r .stamps/lint.txt
	@touch $@

.stamps/gallery: .stamps/test
	$(BIN)/python scripts/dependency_group.py gallery > .stamps/gallery.txt
	$(PIP) install -r .stamps/gallery.txt
	@touch $@

# Without permission the tests still run, and those whose tool is missing fail.
.stamps/packages: scripts/install-packages.sh
	@mkdir -p .stamps
	if scripts/install-packages.sh $(DEBIAN_PACKAGES); then touch $@; fi

# The report has no package of npm in it: these check its script. Any Node from 18 will do, whoever installed it.
.stamps/node: scripts/install-packages.sh tests/js/package.json tests/js/package-lock.json
	@mkdir -p .stamps
	if scripts/install-packages.sh $(NODE_PACKAGES); then \
		$(TRUST) npm --prefix tests/js ci --ignore-scripts --no-audit --no-fund && touch $@; fi
