# Everything that a fresh machine with python3 (3.10 or newer), venv and make needs is here.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq

.PHONY: demo test test-all check bench kernel sanitize mutations lock clean

demo: kernel                 ## train for a minute and a half on text that every machine has, and write
	mkdir -p build
	$(BIN)/longhand demo -o build/demo.safetensors --overwrite
	@echo "First, in this folder: . .venv/bin/activate"

test: check kernel .venv-base/.ready  ## the checks and the quick tests, on two processors
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

test-all: check kernel .venv-base/.ready  ## the checks and all tests
	$(BIN)/python -m pytest -q -m ""

check: .venv/.ready         ## lint, format, types, and which part may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: kernel               ## the figures of README.md, measured on this machine
	$(BIN)/python bench/encoding.py
	$(BIN)/python bench/startup.py
	$(BIN)/longhand bench
	$(BIN)/python bench/steps.py
	$(BIN)/python bench/quality.py
	$(BIN)/python bench/classic.py

kernel: .venv/.kernel       ## the part in C, where there is a compiler

# A kernel with the sanitizers in it takes the place of the usual one for the length of the tests. Python's own leaks
# are not looked for.
SANITIZED := LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 LONGHAND_SANITIZED=build/sanitized $(BIN)/python -m pytest -q -p no:cacheprovider

sanitize: build/sanitized-kernel.so build/sanitized-learn.so  ## the C code under the address, undefined-behaviour and thread sanitizers
	$(SANITIZED) tests/test_native*.py tests/test_mutations.py
	$(BIN)/python -m pytest -q -m "" tests/test_replay.py -k sanitizer

mutations: build/sanitized-kernel.so build/sanitized-learn.so  ## files damaged in tens of thousands of ways, without and with the sanitizers: hours
	$(BIN)/python -m pytest -q -m slow tests/test_mutations.py
	$(SANITIZED) -m slow tests/test_mutations.py

build/sanitized-%.so: $(shell find src -name '*.c' -o -name '*.h') | kernel
	mkdir -p build
	gcc -std=c11 -O1 -g -ffp-contract=fast -Wno-psabi -fPIC -shared -pthread -fsanitize=address,undefined \
		-fno-sanitize-recover=all $$(find src -name $*.c) -o $@ -lm

# Pins everything anew from the ranges in pyproject.toml, with the hashes of all files, for Python 3.10 and newer on every
# platform. torch.lock says what torch's own lock is for.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-annotate --no-header --generate-hashes
WITHIN := -c requirements/dev.lock
lock: .venv/.ready
	mkdir -p build
	$(PIP) --require-hashes -r requirements/uv.lock
	$(COMPILE) --upgrade -c requirements/torch.lock --all-extras pyproject.toml -o build/all.lock
	awk '/^[a-z]/ {wanted = !/^(torch|triton|cuda-|nvidia-)/} wanted' build/all.lock > requirements/dev.lock
	awk '/^[a-z]/ {wanted = /^(triton|cuda-|nvidia-)/} wanted' build/all.lock > requirements/cuda.lock
	$(COMPILE) $(WITHIN) pyproject.toml -o requirements/base.lock
	$(COMPILE) $(WITHIN) --extra serve pyproject.toml -o requirements/serve.lock
	echo setuptools | $(COMPILE) $(WITHIN) - -o requirements/build.lock
	echo uv | $(COMPILE) --upgrade - -o requirements/uv.lock

clean:
	rm -rf .venv .venv-base build

.venv/.ready: requirements/dev.lock requirements/torch.lock requirements/cuda.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("Longhand needs Python 3.10 or newer, found " + sys.version.split()[0] + ": run make PYTHON=python3.12, say")'
	@echo "Installing into .venv what requirements/dev.lock pins: this takes a minute or two, once."
	$(PYTHON) -m venv --clear .venv
	$(PIP) --require-hashes -r requirements/dev.lock
	$(PIP) --require-hashes --no-deps -r requirements/torch.lock
	if ! $(BIN)/python -c 'import importlib.metadata as m; assert m.version("torch").endswith("+cpu")' 2> /dev/null; then \
		$(PIP) --require-hashes --no-deps -r requirements/cuda.lock; fi
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

.venv/.kernel: $(shell find src -name '*.c' -o -name '*.h') setup.py | .venv/.ready
	$(BIN)/python setup.py -q build_ext --inplace --force
	touch $@

# The base install, from a wheel, without torch: tests/test_base_install.py runs it.
.venv-base/.ready: .venv-base/.dependencies pyproject.toml setup.py $(shell find src -name '*.py' -o -name '*.[ch]' -o -name 'page*' -o -path '*/page/*' -o -name 'base.css') | .venv/.ready
	rm -rf build/lib* build/bdist* build/wheel
	$(BIN)/python -m pip wheel -qq --no-deps --no-build-isolation -w build/wheel .
	.venv-base/bin/python -m pip install -qq --no-deps --force-reinstall build/wheel/*.whl
	touch $@

.venv-base/.dependencies: requirements/base.lock
	$(PYTHON) -m venv --clear .venv-base
	.venv-base/bin/python -m pip install -qq --require-hashes -r requirements/base.lock
	touch $@
