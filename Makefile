# `make demo` and `make test` create .venv themselves. CI (.ci/run, .github/workflows) calls these targets and no others.
PYTHON ?= python3
BIN := .venv/bin
# One process for each core, up to four, because each loads torch. All tests of a file run in one process.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test slow unit coverage check api lock wheel clean

demo: .venv/ready  ## open the dashboard on the embedded demo world, http://127.0.0.1:8501
	$(BIN)/python -m core demo

test: .venv/ready  ## tests of at most ten seconds each
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

slow: .venv/ready  ## the other tests: whole runs, kills, and pages in a browser
	$(BIN)/python -m pytest -m slow $(SIDE_BY_SIDE)

unit: .venv/ready  ## tests of at most one second each; less than a minute on two cores
	$(BIN)/python -m pytest -m "not slow and not integration" $(SIDE_BY_SIDE)

coverage: .venv/ready  ## all tests with coverage, which must reach the floor in pyproject.toml
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --cov --cov-report=term:skip-covered

check: .venv/ready  ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

api: .venv/ready  ## the API pages, in docs/api/html
	$(BIN)/pdoc --docformat google --output-directory docs/api/html core '!core\.cli' '!core\.__main__'

wheel: .venv/ready  ## the wheel, in dist/
	$(BIN)/python -m build --wheel --no-isolation

# The installed versions, with hashes. torch has no entry: its builds differ by device, and each has hashes of its own.
lock: .venv/ready  ## write requirements.lock for the Python and platform of .venv
	$(BIN)/pip freeze --exclude-editable | grep -v '^torch==' > .venv/versions.txt
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --all-extras --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --unsafe-package torch \
	    --constraint constraints.txt --constraint .venv/versions.txt --output-file .venv/requirements.lock pyproject.toml
	{ echo "# All dependencies for Python 3.11 on Linux, with hashes; written by 'make lock'. torch is left out: its builds differ by"; \
	  echo "# device. Install it first, in the version of constraints.txt; pip keeps it and checks every other package:"; \
	  echo "#   pip install --require-hashes -r requirements.lock && pip install --no-deps cure-lens"; \
	  grep -v '^# ' .venv/requirements.lock; } > requirements.lock

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "CURE Lens needs Python 3.11 or newer: set PYTHON=/path/to/python3.11"'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dashboard,dev,gguf]'
	touch $@

clean:
	rm -rf .venv .demo build dist docs/api/html
