# `make demo` and `make test` are complete from a fresh clone: they build the environment, install, and run.
# Another Python: make test PYTHON=python3.12 VENV=.venv-3.12
# Backends whose absence is a failure and not a skip: make test REQUIRE=lava,nengo_loihi
# The same for a browser, which tests of the report's page need: SNNPROG_REQUIRE_CHROMIUM=1 make test
# Their environments side by side: make -j4 backends

PYTHON ?= python3
VENV ?= .venv
BACKENDS ?= lava nengo_loihi brian2_loihi xylosim
REQUIRE ?=
WORKERS ?= 2

comma := ,
REQUIRED := $(subst $(comma), ,$(REQUIRE))
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: demo test check lint types install backends clean

demo: backend-lava
	$(BIN)/snnprog demo

test: backends
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(foreach name,$(REQUIRED),--snnprog-require $(name))

check: lint types test

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

install: $(READY)

backends: $(addprefix backend-,$(BACKENDS))

backend-%: $(READY)
	@$(BIN)/snnprog backends install $* || echo "$* is left out; everything else goes on."

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "snnprog needs Python 3.10 or later; name one: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,demo]'
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
