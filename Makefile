SHELL := /bin/bash
PYTHON ?= python3.11
venv := .venv
bin := $(venv)/bin
export PYTHONNOUSERSITE := 1

.PHONY: setup kernels lock demo test test-slow q

setup: $(venv)/.installed

# The lock first, every file by its hash; then the project itself, which has none.
$(venv)/.installed: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(venv)
	$(bin)/python -m pip install --quiet --require-hashes --no-deps -r <(grep -A20 '^uv==' constraints.txt | awk 'NR > 1 && /^[a-z]/ {exit} {print}')
	$(bin)/uv pip install --quiet --python $(bin)/python --require-hashes --no-deps --compile-bytecode -r constraints.txt
	$(bin)/uv pip install --quiet --python $(bin)/python --no-deps --editable .
	touch $@

# What only `gpu` needs, by its hash like everything else; then the two packages that no lock can hash, compiled.
kernels: setup
	sed 's/ ; extra == "gpu"//' constraints.txt | awk '/^[a-z]/ {kept = !/^(causal-conv1d|mamba-ssm)==/} kept' > $(venv)/gpu.txt
	$(bin)/uv pip install --quiet --python $(bin)/python --require-hashes --no-deps -r $(venv)/gpu.txt
	$(bin)/bgb kernels build --install

# Resolved whole, so that all extras agree. uv marks nothing with the extra it came from, so what only `gpu` brings is
# marked afterwards: two packages that need a compiler, and transformers, which slows every import of torchmetrics.
compile = $(bin)/uv pip compile --no-progress pyproject.toml --generate-hashes --no-emit-index-url --no-annotate \
  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --custom-compile-command 'make lock'
names = grep -oE '^[a-z0-9.-]+==' | sort
lock:
	$(compile) --all-extras -o constraints.txt >/dev/null 2>&1
	$(compile) --extra train --extra cluster --extra modal --extra track --extra dev --constraint constraints.txt | $(names) \
	  | comm -13 - <(cat constraints.txt | $(names)) \
	  | while read -r pin; do sed -i -E "s/^($$pin\S+) /\1 ; extra == \"gpu\" /" constraints.txt; done

# Every command is printed before it runs, so that it can be repeated by hand.
smoke := configs/local/smoke.yaml
demo: setup
	$(bin)/bgb demo corpus demo/corpus
	$(bin)/bgb plan $(smoke) --for cache
	$(bin)/bgb preflight $(smoke) --for cache
	$(bin)/bgb build-cache $(smoke)
	$(bin)/bgb scan-cache $(smoke) --verify
	$(bin)/bgb preflight $(smoke) --for train
	$(bin)/bgb train $(smoke)
	$(bin)/bgb evaluate $(smoke)

test: setup
	$(bin)/python -m pytest -q --numprocesses auto --dist loadscope

test-slow: setup
	$(bin)/python -m pytest -q --numprocesses auto -m slow

# What every commit passes: lint, format, types and the fast tests.
q: setup
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/python -m pytest -q --numprocesses auto -m "not slow and not whole"
