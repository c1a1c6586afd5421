# The commands of the project. The first use of any target sets up .venv; an edit of
# pyproject.toml sets it up again. Choose the interpreter with `make PYTHON=python3.13 test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS_READY := $(VENV)/.peers-ready

# Workers of the parallel part of the suite (the `timing` tests always run alone).
WORKERS ?= auto

# The conformance suite of the Python array API standard, and how many examples it tries.
SUITE ?= .conformance
SUITE_URL ?= https://github.com/data-apis/array-api-tests
SUITE_COMMIT ?= 55fcc60
SUITE_READY := $(SUITE)/.ready
EXAMPLES ?= 100

.PHONY: demo test test-quick test-all conformance bench lint wheel clean

demo: $(READY)
	$(BIN)/python docs/examples/logistic_regression.py
	$(BIN)/python docs/examples/normal_density.py

# Every test, the code blocks of README.md and docs/, the doctests, and the linters.
test: $(READY) lint
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not timing"
	$(BIN)/python -m pytest -q -m timing

# The same without the soaks and the wide sweeps.
test-quick: $(READY) lint
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not timing and not slow"

# `make test` under each supported Python that is found, each in an environment of its own.
test-all:
	@set -e; for version in 3.11 3.12 3.13; do \
	    if command -v python$$version >/dev/null && python$$version --version >/dev/null 2>&1; then \
	        $(MAKE) test PYTHON=python$$version VENV=.venv-$$version; \
	    else \
	        echo "python$$version: not found, left out"; \
	    fi; \
	done

# jitad.numpy by the public conformance suite; `make conformance EXAMPLES=1000`. What it is known to
# fail, as NumPy does, is in docs/data/conformance_xfails.txt with the reasons.
conformance: $(SUITE_READY)
	cd $(SUITE) && ARRAY_API_TESTS_MODULE=jitad.numpy ARRAY_API_TESTS_VERSION=2024.12 \
	    $(abspath $(BIN))/python -m pytest -q --disable-warnings --hypothesis-disable-deadline \
	    --max-examples=$(EXAMPLES) --xfails-file=$(CURDIR)/docs/data/conformance_xfails.txt \
	    array_api_tests

# Figures of jitad and of its peers, measured side by side; `make bench ARGS="--only calls"`.
bench: $(PEERS_READY)
	$(BIN)/python -m benchmarks $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

wheel: $(READY)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

$(PEERS_READY): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[test,peers]'
	@touch $@

$(SUITE_READY): $(READY)
	rm -rf $(SUITE)
	git clone --quiet $(SUITE_URL) $(SUITE)
	git -C $(SUITE) checkout --quiet $(SUITE_COMMIT)
	git -C $(SUITE) submodule --quiet update --init
	$(BIN)/python -m pip install --quiet -r $(SUITE)/requirements.txt
	@touch $@

clean:
	rm -rf .venv .venv-* .conformance build dist .pytest_cache .ruff_cache .hypothesis docs/examples/output
