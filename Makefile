PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core
FULL := $(VENV)/.full
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-oracle lint setup bench bench-plan bench-energy bench-facility bench-serve bench-search clean

setup: $(FULL)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(CORE): $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(FULL): $(CORE)
	$(PIP) -e '.[test,oracle,cluster]'
	touch $@

demo: $(CORE)
	$(BIN)/kiban run examples/anthropic-50b.yaml

test: $(FULL)
	$(BIN)/python -m pytest -m "not oracle and not slow" -n 2 --dist loadfile

test-oracle: $(FULL)
	$(BIN)/python -m pytest -m "oracle or slow"

lint: $(FULL)
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/mypy

bench: $(FULL)
	$(BIN)/python benchmarks/run.py

bench-plan: $(FULL)
	$(BIN)/python benchmarks/plan.py

bench-energy: $(FULL)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/energy.py pair warm

bench-facility: $(FULL)
	$(BIN)/python benchmarks/facility.py

# TRACES=folder of the Azure LLM inference traces times them too.
bench-serve: $(FULL)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/serve.py $(TRACES)

# CALCULON=checkout of Calculon, which is not shipped; benchmarks/search.py says how to get it.
bench-search: $(FULL)
	@test -d "$(CALCULON)" || { echo "make bench-search CALCULON=path of a checkout of Calculon"; exit 2; }
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/search.py $(CALCULON)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
