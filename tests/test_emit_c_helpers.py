"""The functions that emitted C calls, exhaustively on small numbers, and at the ends of what they are used for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from emitted_c import COMPILERS, SANITIZED, compiled, needs_compiler

from snnprog.arrays import Int64s
from snnprog.emit.c.helpers import HELPERS, ROUNDING_HELPERS, HelperSet
from snnprog.emit.c.ruletext import RULE_TEXTS
from snnprog.emit.c.texts import NARROW, TEXTS
from snnprog.emit.c.types import INT32, INT64, IntegerType
from snnprog.rules.expressions import NODES, Const, End, Hold, Ref, Rounding
from snnprog.rules.interpreter import held, rounded

VALUES = np.arange(-600, 601)
FACTORS, BITS = np.arange(0, 20), np.arange(0, 9)
ENDS = ((-8, 7), (-5, 5), (0, 12), (-300, 299))

MAIN = """
#include <stdint.h>
#include <stdio.h>

{helpers}

int main(void)
{{
{body}
    return 0;
}}
"""


def answers(calls: list[str], kind: IntegerType, folder: Path) -> Int64s:
    """Return what calls of helpers give, in order; ``{name}`` is a helper's name."""
    helpers = HelperSet("h")
    names = {name: helpers.name(name, kind) for name in HELPERS}
    body = "\n".join(calls).format_map(names)
    show = "static void show(int64_t number) { fwrite(&number, sizeof number, 1, stdout); }\n"
    text = MAIN.format(helpers="\n".join(helpers.texts) + show, body=body)
    (folder / "helpers.c").write_text(text, encoding="ascii")
    compiled(COMPILERS[0], *SANITIZED, "-Wno-unused-function", "helpers.c", "-o", "helpers", folder=folder)
    done = subprocess.run([folder / "helpers"], capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<i8")


def looped(call: str, kind: IntegerType) -> str:
    """Return loops over all values, factors and bits around a call of them."""
    heads = [
        f"for ({kind.name} value = {VALUES[0]}; value <= {VALUES[-1]}; value++)",
        f"for ({kind.name} factor = {FACTORS[0]}; factor <= {FACTORS[-1]}; factor++)",
        f"for (int bits = {BITS[0]}; bits <= {BITS[-1]}; bits++)",
    ]
    return f"{' '.join(heads)} show({call});"


def test_every_node_has_a_text() -> None:
    assert {*TEXTS, Ref} == set(NODES) == set(RULE_TEXTS) | {Ref}
    assert set(ROUNDING_HELPERS) == set(Rounding)


@needs_compiler
@pytest.mark.parametrize("kind", [INT32, INT64], ids=lambda kind: kind.name)
def test_every_rounding(kind: IntegerType, tmp_path: Path) -> None:
    """Of a product, and in two parts: as the interpreter rounds."""
    names = [ROUNDING_HELPERS[rounding] for rounding in Rounding]
    calls = [looped(f"{{{name}}}(value * factor, bits)", kind) for name in names]
    calls += [looped(f"{{split_{name}}}(value, factor, bits)", kind) for name in names]
    found = answers(calls, kind, tmp_path).reshape(2, len(names), VALUES.size, FACTORS.size, BITS.size)
    for index, rounding in enumerate(Rounding):
        expected = rounded(VALUES[:, None, None] * FACTORS[:, None], BITS, rounding)
        assert (found[:, index] == expected).all(), rounding


@needs_compiler
@pytest.mark.parametrize("kind", [INT32, INT64], ids=lambda kind: kind.name)
def test_every_end(kind: IntegerType, tmp_path: Path) -> None:
    calls, expected = [], []
    head = f"for ({kind.name} value = {VALUES[0]}; value <= {VALUES[-1]}; value++) show"
    for low, high in ENDS:
        span = high - low + 1
        wrap = (
            f"{{wrap}}(value, {low}, {span - 1})" if span & (span - 1) == 0 else f"{{wrap_any}}(value, {low}, {span})"
        )
        for end, call in (
            (End.CLIP, f"{{clip}}(value, {low}, {high})"),
            (End.WRAP, wrap),
            (End.WRAP, f"{{wrap_any}}(value, {low}, {span})"),
            (End.FOLD, f"{{fold}}(value, {low}, {high}, {span})"),
        ):
            calls.append(f"{head}({call});")
            expected.append(held(VALUES, Hold(Const(0), low, high, end)))
    found = answers(calls, kind, tmp_path).reshape(len(calls), VALUES.size)
    assert (found == np.stack(expected)).all()


@needs_compiler
def test_division_and_extremes(tmp_path: Path) -> None:
    loops = (
        f"for (int32_t value = {VALUES[0]}; value <= {VALUES[-1]}; value++) for (int32_t by = 1; by <= 40; by++) show"
    )
    calls = [f"{loops}({{{name}}}(value, by));" for name in ("divide", "least", "greatest")]
    calls.append(loops.replace(str(VALUES[0]), "0") + "({quotient}(value, by));")
    found = answers(calls, INT32, tmp_path)
    size = VALUES.size * 40
    value, by = VALUES[:, None], np.arange(1, 41)
    for index, expected in enumerate((value // by, np.minimum(value, by), np.maximum(value, by))):
        assert (found[index * size : (index + 1) * size].reshape(expected.shape) == expected).all()
    positive = value[VALUES >= 0] // by
    assert (found[3 * size :].reshape(positive.shape) == positive).all()


@needs_compiler
def test_the_ends_of_32_bits(tmp_path: Path) -> None:
    """What the emitter takes 32 bits for reaches from -(2^31 - 1) to 2^31 - 1; nothing overflows there."""
    ends = np.array([-NARROW, -NARROW + 1, NARROW - 1, NARROW])
    names = ("shift_down", "toward_zero", "away_from_zero", "moving", "half_even")
    calls = [f"show({{{name}}}({end}, {bits}));" for name in names for end in ends for bits in (0, 1, 12, 30)]
    found = answers(calls, INT32, tmp_path).reshape(len(names), ends.size, 4)
    of = {helper: rounding for rounding, helper in ROUNDING_HELPERS.items()}
    for index, name in enumerate(names):
        assert (found[index] == rounded(ends[:, None], np.array([0, 1, 12, 30]), of[name])).all(), name
    wide = answers(["show({wrap}(3000000000, -2147483648, 4294967295));"], INT64, tmp_path)
    assert wide.tolist() == [3000000000 - 2**32]
