"""Spec in, program out: a program that does what was asked, or the sentence that says why there is none."""

from __future__ import annotations

from snnprog.compiler.report import CompileReport, CompileResult, Deviation
from snnprog.compiler.steps import compile

__all__ = ["CompileReport", "CompileResult", "Deviation", "compile"]
