"""What the tests of C on microcontrollers need: a compiler for each processor, and QEMU."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "backends" / "c" / "toolchain"))
from machines import COMPILER_VARIABLE, TARGET_VARIABLE, TARGETS, RunnerError, find_compiler

__all__ = [
    "COMPILER_VARIABLE",
    "EVERY_TARGET",
    "TARGETS",
    "TARGET_VARIABLE",
    "RunnerError",
    "find_compiler",
    "for_target",
    "is_qemu_required",
    "lack_of_target",
]

REQUIRE_VARIABLE = "SNNPROG_REQUIRE_QEMU"


def is_qemu_required() -> bool:
    """Return whether tests that need QEMU or a cross compiler must not be skipped."""
    return bool(os.environ.get(REQUIRE_VARIABLE))


def lack_of_target(target: str) -> str:
    """Return what is missing for a processor; nothing where programs for it can be compiled and run."""
    try:
        find_compiler(target)
    except RunnerError as error:
        return str(error)
    emulator = TARGETS[target].emulator
    return "" if shutil.which(emulator) else f"{emulator} was not found; install QEMU"


def for_target(target: str) -> object:
    """Return the parameter of a test: a processor, skipped where something is missing that is not required."""
    lack = lack_of_target(target)
    is_skipped = bool(lack) and not is_qemu_required()
    return pytest.param(target, marks=[pytest.mark.snnprog_backend("c"), pytest.mark.skipif(is_skipped, reason=lack)])


EVERY_TARGET = [for_target(target) for target in TARGETS]
