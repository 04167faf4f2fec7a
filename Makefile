PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-oracle lint setup bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,oracle]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/kiban run examples/anthropic-50b.yaml

test: $(STAMP)
	$(BIN)/python -m pytest -m "not oracle and not slow" -n 2 --dist loadfile

test-oracle: $(STAMP)
	$(BIN)/python -m pytest -m "oracle or slow"

lint: $(STAMP)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
