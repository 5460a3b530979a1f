PYTHON ?= python3
BIN := .venv/bin
STUDY ?= studies/quickstart.yaml

.PHONY: help install demo run report ui check lint types imports branches test test-guard test-slow test-all golden schema bench bench-statistics gpu-check audit extractors docs clean

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+:  *##' Makefile | sed 's/:.*##/:/'

.venv/.installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[dev]'
	touch $@

install: .venv/.installed  ## make .venv and install the package with its tools

demo: install    ## train the quickstart study on real MNIST digits and print its table
	$(BIN)/ganablate run studies/quickstart.yaml

run: install     ## run one study: make run STUDY=studies/mnist_ablation.yaml
	$(BIN)/ganablate run $(STUDY)

report: install  ## rebuild every table and figure, local and published, without training
	$(BIN)/ganablate report
	$(BIN)/ganablate report --published

ui: install      ## open the MLflow UI on 127.0.0.1
	$(BIN)/ganablate ui

check: lint types imports branches  ## ruff, mypy, import directions, branches a function

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

branches: install
	$(BIN)/python tools/branches.py

test: install    ## the fast tests
	$(BIN)/pytest

# What must never break: a real sweep, kill and resume, two runs at once, a full disk, a clone.
GUARDS := tests/whole/test_main_job.py tests/whole/test_two_runs.py \
	tests/whole/test_resume_is_exact.py tests/faults/test_disk.py \
	tests/trials/test_folder.py tests/repository/test_clone.py

test-guard: install  ## the slow tests that guard the main job
	$(BIN)/pytest -m slow -n 0 $(GUARDS)

test-slow: install   ## the slow tests, one by one: real Ray sweeps, kill and resume, MLflow
	$(BIN)/pytest -m slow -n 0

test-all: test test-slow  ## every test

schema: install  ## rewrite the JSON schemas that editors check studies and profiles with
	$(BIN)/ganablate schema > studies/study.schema.json
	$(BIN)/ganablate schema --sweep > sweeps/sweep.schema.json

golden: install  ## rewrite the expected files under tests/golden
	GANABLATE_UPDATE_GOLDEN=1 $(BIN)/pytest -q tests/report

bench: install   ## speed, memory and scale, each beside its peer or limit: a quarter of an hour
	$(BIN)/python benchmarks/everything.py

bench-statistics: install  ## error, coverage and power of the statistics, with looks too
	$(BIN)/python benchmarks/effect_statistics.py
	$(BIN)/python benchmarks/adaptive_replicates.py

gpu-check: install  ## on a machine with a CUDA GPU: what holds there, in about ten minutes, as a text to paste
	$(BIN)/python benchmarks/gpu_check.py

extractors: install  ## train the shipped feature extractors anew: half an hour; needs their data sets
	for name in mnist fashion_mnist cifar10; do \
	  $(BIN)/python -m ganablate.metrics.train_extractor $${name}_classifier || exit 1; done

docs: install    ## build the site of docs/ into site/
	$(BIN)/python -m docs.made.pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

audit: install   ## ask PyPI's advisories about every pinned package; needs the network
	@$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off \
	  --requirement requirements.lock || { echo "audit: NOT passed. Either a package above has a \
	known hole, or the advisories could not be asked ('could not be audited', 'connection'): then \
	nothing is known, good or bad. Run it again where https://pypi.org answers."; exit 1; }

clean:           ## remove runs/ (all trials!) and caches; results/ stays, both kinds
	rm -rf runs site build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
