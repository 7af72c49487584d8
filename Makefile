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

.PHONY: demo test check lint types docs install backends clean

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

# The site, in docs/_build: every warning is an error, a broken link one of them.
docs: $(READY)
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build
	@echo "open docs/_build/index.html"

install: $(READY)

backends: $(addprefix backend-,$(BACKENDS))

backend-%: $(READY)
	@$(BIN)/snnprog backends install $* || echo "$* is left out; everything else goes on."

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "snnprog needs Python 3.10 or later; name one: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,demo,docs]'
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
