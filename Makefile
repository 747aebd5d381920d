# `make demo` shows what this is; `make test` says whether it works. Both need only python3, pip, make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: demo docs test test-slow test-exhaustive lint bench bench-fit clean

demo: $(VENV)/.installed-demo
	mkdir -p demo
	$(BIN)/pminusy fit examples/penguins.csv --target species \
	  -o demo/penguins.safetensors --report demo/penguins.html

# The documentation as a site, into build/site/html; its examples run first.
docs: $(VENV)/.installed-docs
	$(BIN)/python -m tools.site

test: lint
	$(BIN)/pytest -n $(JOBS) -m "not slow and not exhaustive"

test-slow: $(VENV)/.installed-test
	$(BIN)/pytest -n $(JOBS) -m "slow and not exhaustive" --timeout 1800

# Hours: the rest of the series of which test-slow runs a sample.
test-exhaustive: $(VENV)/.installed-test
	$(BIN)/pytest -n $(JOBS) -m exhaustive --timeout 3600

lint: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.make_docs --check

$(VENV)/.installed-demo: pyproject.toml | $(VENV)/.made
	$(BIN)/pip install --quiet --editable ".[fit,explain]"
	touch $@

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/.made
	$(BIN)/pip install --quiet --editable ".[docs]"
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/.made
	$(BIN)/pip install --quiet --editable ".[test]"
	touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "pminusy needs Python 3.11 or later; try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	touch $@

# Peers that are not installed are left out and said. DATA: a folder of data sets, for bench-fit.
bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.loss
	$(BIN)/python -m benchmarks.peak
	$(BIN)/python -m benchmarks.accuracy
	$(BIN)/python -m benchmarks.linear
	$(BIN)/python -m benchmarks.linear --memory

bench-fit: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.fit --data $(or $(DATA),$(error name a folder of data sets: make bench-fit DATA=…))

clean:
	rm -rf $(VENV) demo
