# make demo: the quickstart study from nothing; make test: lint, types and tests. Both make their own .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test slow clean

demo: .venv/ready
	$(BIN)/breadth run studies/quickstart.toml --runs runs
	$(BIN)/breadth report studies/quickstart.toml --runs runs --out out/quickstart

test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup

slow: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m slow

clean:
	rm -rf .venv runs out

.venv/ready: pyproject.toml constraints.txt benchmarks/peers.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "breadth needs Python 3.11 or newer; set PYTHON=..."'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	$(BIN)/pip install --quiet --no-deps --requirement benchmarks/peers.txt
	touch $@
