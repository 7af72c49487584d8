"""A user's own chips: nothing in the package knows them, and everything works for them.

Judged by plain simulators (`made_up_chips`): what is called exact is, what a random integer neuron does is never called
impossible, and no more is left open than on Loihi for the same specs. ``SNNPROG_MADE_UP_SPECS`` sets how many specs
each chip is asked for.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from made_up_chips import KINDS, Draw, Kind, chip_of, drawn, plain_run, taught

import snnprog as sp
from snnprog.chips import CHIPS, Chip

SPECS = int(os.environ.get("SNNPROG_MADE_UP_SPECS", "6"))
EXACT, PROVED, OPEN = "exact", "proved", "open"
OPEN_ERRORS = (sp.QuantizationError, sp.LimitError, sp.SolverError)


def outcome(spec: sp.Spec) -> tuple[str, sp.Program | None]:
    """Return what came of a spec, and its program."""
    try:
        return EXACT, sp.compile(spec).program
    except sp.InfeasibleError:
        return PROVED, None
    except OPEN_ERRORS:
        return OPEN, None


def check_exact(kind: Kind, program: sp.Program, draw: Draw) -> None:
    """Check a program against its spec, and both simulators against a plain one, states included."""
    for inputs, targets in draw.patterns:
        plain = plain_run(kind, program, inputs)
        assert np.array_equal(plain.spikes, targets)
        assert not plain.has_left
        for backend in ("reference", "kernel"):
            trace = sp.run(program, inputs, backend=backend, record="state")
            assert trace.currents is not None
            assert trace.potentials is not None
            assert np.array_equal(trace.spikes, targets)
            assert np.array_equal(trace.potentials, plain.potentials)
            assert np.array_equal(trace.currents, plain.currents)


def judge(kind: Kind, chip: Chip, seed: int) -> str:
    """Compile a random spec, and check what came of it."""
    draw = drawn(seed)
    what, program = outcome(draw.spec(chip))
    if program is not None:
        check_exact(kind, program, draw)
    return what


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_random_spec_is_exact_or_proved_as_often_as_on_loihi(kind: Kind) -> None:
    chip = chip_of(kind)
    found = Counter(judge(kind, chip, seed) for seed in range(SPECS))
    loihi = Counter(outcome(drawn(seed).spec(CHIPS["loihi1"]))[0] for seed in range(SPECS))
    print(f"{kind.name}: {dict(found)}; loihi1: {dict(loihi)}")
    assert found[OPEN] <= loihi[OPEN]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_an_integer_neuron_does_is_found(kind: Kind) -> None:
    chip = chip_of(kind)
    found: Counter[str] = Counter()
    for seed in range(SPECS):
        lesson = taught(seed, kind, chip)
        if lesson is None:
            continue
        draw, teacher = lesson
        check_exact(kind, teacher, draw)
        what, program = outcome(draw.spec(chip))
        found[what] += 1
        if program is not None:
            check_exact(kind, program, draw)
    print(f"{kind.name}: {dict(found)}")
    assert not found[PROVED]
