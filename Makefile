# Two commands do all the set-up: `make demo` and `make test`.
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_DIR ?= work_dirs/demo
NEEDED_GB := 8

.PHONY: setup demo test test-slow lint wheel clean
.DEFAULT_GOAL := help

help:
	@echo "make setup | demo [PHOTO=file] | test | test-slow | lint | wheel | clean"

setup: $(STAMP)

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@bash tools/make_venv.sh $(VENV) $(NEEDED_GB)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/python tools/demo.py --work-dir $(DEMO_DIR) $(if $(PHOTO),--photo '$(PHOTO)')

test: $(STAMP)
	$(BIN)/python -m pytest -m 'not slow' -n 2 --dist loadfile

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

lint: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m mypy

wheel: $(STAMP)
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist *.egg-info
