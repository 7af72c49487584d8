# `make demo` and `make test` are complete from a fresh clone: they build the environment, install, and run.
# Another Python: make test PYTHON=python3.12 VENV=.venv-3.12
# Backends whose absence is a failure and not a skip: make test REQUIRE=lava,nengo_loihi
# The same for a browser, which tests of the report's page need: SNNPROG_REQUIRE_CHROMIUM=1 make test
# And for QEMU with cross compilers, on which exported C runs: SNNPROG_REQUIRE_QEMU=1 make test
# A package index, from which wheels are installed: SNNPROG_REQUIRE_WHEELS=1 make test
# Node, which the check of the page's scripts needs: SNNPROG_REQUIRE_NODE=1 make scripts
# Their environments side by side: make -j4 backends
#
# What each target does is in noxfile.py, which runs without make, too.

PYTHON ?= python3
VENV ?= .venv
BACKENDS ?= lava nengo_loihi brian2_loihi xylosim c
export VENV BACKENDS REQUIRE WORKERS

SESSIONS := demo test lowest lint types scripts docs install install_lowest
NOX := $(VENV)/bin/nox

.PHONY: $(SESSIONS) check backends clean

$(SESSIONS): $(NOX)
	@$(NOX) -s $@

check: lint types scripts test lowest

backends: $(BACKENDS:%=backend-%)

backend-%: install
	@$(NOX) -s backends -- $*

$(NOX): constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "snnprog needs Python 3.10 or later; name one: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt nox
	@touch $(NOX)

clean: $(NOX)
	@$(NOX) -s clean
