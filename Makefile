# Two commands set everything up: `make demo` and `make test`. Each creates .venv itself.
PYTHON ?= python3
BIN := .venv/bin
# Each file of tests in one process, as many at once as there are cores, up to four: each holds the libraries in memory.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test quick check clean

demo: .venv/ready  ## open the dashboard on the embedded demo world, http://127.0.0.1:8501
	$(BIN)/python -m core demo

test: .venv/ready  ## every test, the slow ones and the browser too
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

quick: .venv/ready  ## the tests under ten seconds each
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

check: .venv/ready  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "CURE Lens needs Python 3.11 or newer: set PYTHON=/path/to/python3.11"'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dashboard,dev]'
	touch $@

clean:
	rm -rf .venv .demo
