"""Compilation of a spec to a program that satisfies it, or an error with the reason."""

from __future__ import annotations

from snnprog.compiler.report import CompileReport, CompileResult, Deviation
from snnprog.compiler.steps import compile
from snnprog.compiler.sweeping import sweep

__all__ = ["CompileReport", "CompileResult", "Deviation", "compile", "sweep"]
