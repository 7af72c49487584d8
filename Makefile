# `make demo` and `make test` are complete from a fresh clone: they build the environment, install, and run.
# Another Python: make test PYTHON=python3.12 VENV=.venv-3.12
# Backends whose absence is a failure and not a skip: make test REQUIRE=lava,nengo_loihi
# The same for a browser, which tests of the report's page need: SNNPROG_REQUIRE_CHROMIUM=1 make test
# And for QEMU with cross compilers, on which exported C runs: SNNPROG_REQUIRE_QEMU=1 make test
# Node, which the check of the page's scripts needs: SNNPROG_REQUIRE_NODE=1 make scripts
# Their environments side by side: make -j4 backends

PYTHON ?= python3
VENV ?= .venv
BACKENDS ?= lava nengo_loihi brian2_loihi xylosim c
REQUIRE ?=
WORKERS ?= 2

comma := ,
REQUIRED := $(subst $(comma), ,$(REQUIRE))
BIN := $(VENV)/bin
READY := $(VENV)/ready
LOWEST := $(VENV)-lowest

NODE_READY := node_modules/.package-lock.json

.PHONY: demo test lowest check lint types scripts scripts-checked docs install backends clean

demo: backend-lava
	@$(BIN)/snnprog demo
	@echo ". $(BIN)/activate makes snnprog a command of this shell"

test: backends
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(foreach name,$(REQUIRED),--snnprog-require $(name))

# The main tests with the lowest version of each dependency, on the lowest Python. Tests of pictures and of the layout of
# tables are left out, as Matplotlib and Rich draw them in other ways since; so are warnings about versions newer than these.
LOWEST_TESTS := solver cli commands small_specs golden files event_raster event_files event_inputs nir kernel report_command convert_onnx estimators

lowest: $(LOWEST)/ready
	$(LOWEST)/bin/python -m pytest -n $(WORKERS) -W default -p no:cacheprovider $(LOWEST_TESTS:%=tests/test_%.py)

$(LOWEST)/ready: pyproject.toml constraints-lowest.txt $(READY)
	"$$($(BIN)/python -c 'from snnprog.backends.interpreters import find_interpreter; print(find_interpreter((3, 10)))')" -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-lowest.txt -e '.[files,events,onnx,plot,sklearn,tables]' \
		'hypothesis<7' 'pytest<10' 'pytest-xdist<4' tomli
	@touch $@

check: lint types scripts test lowest

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# The package a second and third time, for systems that the tests do not run on: what Python lacks there is an error.
PLATFORMS := win32 darwin

types: $(READY) $(PLATFORMS:%=types-on-%)
	$(BIN)/mypy

types-on-%: $(READY)
	$(BIN)/mypy --platform $* --no-warn-unreachable --cache-dir .mypy_cache/$* snnprog backends

# The scripts of the report's page: ESLint and TypeScript's check of their JSDoc types. Only this needs Node.
scripts:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory scripts-checked; \
	elif [ -n "$$SNNPROG_REQUIRE_NODE" ]; then echo "npm is missing: install Node 20.19 or later" >&2; exit 1; \
	else echo "npm is missing: the scripts of the report's page are not checked"; fi

scripts-checked: $(NODE_READY)
	npm run --silent lint
	npm run --silent types

$(NODE_READY): package.json package-lock.json
	npm ci --silent
	@touch $@

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
	rm -rf $(VENV) $(LOWEST) node_modules build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
