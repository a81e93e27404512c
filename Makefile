# make demo, make demo-detection, make test: set up what they need, then run. `make help` lists the others.
#   PYTHON=python3.12   the Python that the environment is made with
#   LINE=upstream       mmengine, mmcv, mmpretrain, mmdet instead of their maintained OneDL line
#   TORCH=2.9.1         another torch than constraints.txt names (which build: pip's settings)
#   VENV=path           where the environment is

PYTHON ?= python3
LINE ?= onedl
VENV ?= $(if $(filter upstream,$(LINE)),.venv-upstream,.venv)
JOBS ?= 2
SETUP = $(PYTHON) -m scripts.setup_env --line $(LINE) --venv $(VENV) $(if $(TORCH),--torch $(TORCH))
RUN = $(VENV)/bin/python
# One thread per worker: the networks of the tests are small, and the workers share the cores.
PYTEST = OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(RUN) -m pytest -n $(JOBS)

.PHONY: help python setup setup-detection setup-tests demo demo-detection test test-full golden \
	lint types clean

help:
	@echo 'make demo            set up for classification, then distil and compare on generated images'
	@echo 'make demo-detection  the same for detectors, with the ops of mmcv'
	@echo 'make test            set up everything, then run the tests; LINE=upstream for the other line'
	@echo 'make test-full       also the exhaustive tests'
	@echo 'make golden          how far the losses are from values of the authors'\'' code'
	@echo 'make lint            ruff: rules and format'
	@echo 'make types           mypy'
	@echo 'make clean           remove what the other targets made, the environments included'

python:
	@command -v $(PYTHON) >/dev/null || { \
	    echo 'No $(PYTHON) on PATH: mmlogitkd needs Python 3.10 or newer (Debian, Ubuntu: apt install'; \
	    echo 'python3 python3-venv python3-dev), or its path: make demo PYTHON=/path/to/python3'; exit 1; }

setup: python
	@$(SETUP)

setup-detection: python
	@$(SETUP) --detection

setup-tests: python
	@$(SETUP) --tests

demo: setup
	$(RUN) tools/demo.py

demo-detection: setup-detection
	$(RUN) tools/demo_detection.py

test: setup-tests
	$(PYTEST) -m 'not full'

test-full: setup-tests
	$(PYTEST)

golden: setup-tests
	PYTHONPATH=. $(RUN) tests/test_losses/test_golden.py

lint: setup-tests
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: setup-tests
	$(RUN) -m mypy

clean:
	rm -rf .venv .venv-upstream build dist *.egg-info
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
