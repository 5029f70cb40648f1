SHELL := /bin/bash
PYTHON ?= python3.11
venv := .venv
bin := $(venv)/bin
export PYTHONNOUSERSITE := 1

.PHONY: setup lock demo test test-slow q

setup: $(venv)/.installed

# The lock first, every file by its hash; then the project itself, which has none.
$(venv)/.installed: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(venv)
	$(bin)/python -m pip install --quiet --require-hashes --no-deps -r <(grep -A20 '^uv==' constraints.txt | awk 'NR > 1 && /^[a-z]/ {exit} {print}')
	$(bin)/uv pip install --quiet --python $(bin)/python --require-hashes --no-deps -r constraints.txt
	$(bin)/uv pip install --quiet --python $(bin)/python --no-deps --editable .
	touch $@

# uv marks nothing with the extra it came from; the two packages that need a compiler must not reach every machine.
lock:
	$(bin)/uv pip compile --quiet pyproject.toml --all-extras --generate-hashes --no-emit-index-url --no-annotate \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --custom-compile-command 'make lock' -o constraints.txt
	sed -i -E 's/^((mamba-ssm|causal-conv1d)==[0-9.]+) /\1 ; extra == "gpu" /' constraints.txt
