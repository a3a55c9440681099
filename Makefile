# For contributors. Learners need only: python3 start.py lab
PYTHON := $(firstword $(wildcard .venv/bin/python .venv/Scripts/python.exe) python3)

.PHONY: help notebooks exercises fmt check test bench models clean
help: ; @echo "make notebooks | exercises | fmt | check | test | bench | models | clean   (CONTRIBUTING.md explains)"
notebooks: ; $(PYTHON) authoring/build.py
exercises: ; $(PYTHON) authoring/build.py --no-execute
fmt: ; $(PYTHON) -m ruff format . && $(PYTHON) -m ruff check --fix .
check: ; $(PYTHON) -m ruff format --check . && $(PYTHON) -m ruff check . && $(PYTHON) authoring/lint.py
test: ; $(PYTHON) start.py test
models: ; $(PYTHON) authoring/models.py
bench: ; $(PYTHON) benchmarks/run.py
clean: ; rm -rf build dist utils/*.egg-info .pytest_cache .ruff_cache && find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
