"""Perturbed inputs and weights: the worst case of a row, and the check of programs, against all perturbations."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.errors import SpecError
from snnprog.robustness.checking import check_robust
from snnprog.robustness.drive import Drive
from snnprog.robustness.perturbation import Perturbation, count_at_most, every_perturbation
from snnprog.robustness.verdict import HOLDS, UNDECIDED, VIOLATED
from snnprog.robustness.worst import worst_potentials, worst_spikes
from snnprog.simulate.reference import run_observed

Bins = frozenset[int]


def bins_of_line(spikes: Sequence[int], ticks: int, freedom: NDArray[np.int64]) -> dict[Bins, set[tuple[int, int]]]:
    """Return the perturbed spikes of a line, each with the (missing, added) spikes that it can be reached by."""
    jitter, missing, extra = freedom
    found: dict[Bins, set[tuple[int, int]]] = {}
    ways = [[None, *range(max(0, tick - jitter), min(ticks - 1, tick + jitter) + 1)] for tick in spikes]
    for places in itertools.product(*ways):
        lost = places.count(None)
        kept = frozenset(place for place in places if place is not None)
        for count in range(extra + 1):
            for more in itertools.combinations(range(ticks), count):
                if lost <= missing:
                    found.setdefault(kept | set(more), set()).add((lost, count))
    return found


def is_within(budgets: Iterable[set[tuple[int, int]]], freedom: NDArray[np.int64]) -> bool:
    """Return whether some choice of budgets stays within the whole."""
    return any(
        sum(one[0] for one in each) <= freedom[1] and sum(one[1] for one in each) <= freedom[2]
        for each in itertools.product(*budgets)
    )


def potential(drive: Drive, side: int, lines: Sequence[Iterable[int]], *, row: int) -> float:
    """Return the potential at a row's tick, one tick after another."""
    alpha, gamma, gain = drive.shares
    current = value = 0.0
    for tick in range(row + 1):
        arriving = sum(
            drive.weights[side, line, slot]
            for line, bins in enumerate(lines)
            for slot, delay in enumerate(drive.delays.tolist())
            if tick - delay in bins
        )
        current = alpha * current + gain * arriving
        value = gamma * value + current
        if tick < row and drive.is_cleared[tick]:
            value = 0.0
    return float(value)


def drawn_drive(rng: np.random.Generator) -> tuple[Drive, Raster]:
    """Return what drives a small neuron, and the spikes of its lines."""
    ticks, lines = int(rng.integers(3, 7)), int(rng.integers(1, 3))
    delays = np.sort(rng.choice(np.arange(1, 4), int(rng.integers(1, 3)), replace=False))
    raster = rng.random((ticks, lines)) < 0.4
    weights = rng.normal(size=(lines, delays.size)) * 10
    error = np.abs(weights) * rng.choice([0.0, 0.1])
    shares = [rng.choice([0.0, 0.5]), rng.choice([0.9, 0.5, 1.0]), rng.choice([1.0, 0.25])]
    drive = Drive(
        weights=np.stack([weights - error, weights + error]),
        delays=delays.astype(np.int64),
        shares=np.array(shares),
        is_cleared=rng.random(ticks) < 0.25,
        first=np.concatenate([[0], np.cumsum(raster.sum(axis=0))]).astype(np.int64),
        spikes=np.nonzero(raster.T)[1].astype(np.int64),
        is_free=rng.random(lines) < 0.8,
        freedom=rng.integers(0, [3, 3, 3]).astype(np.int64),
    )
    return drive, raster


@pytest.mark.parametrize("seed", range(40))
def test_the_worst_case_of_a_row_is_that_of_all_perturbations(seed: int) -> None:
    drive, raster = drawn_drive(np.random.default_rng(seed))
    ticks, lines = raster.shape
    ways = []
    for line in range(lines):
        own = np.flatnonzero(raster[:, line]).tolist()
        ways.append(bins_of_line(own, ticks, drive.freedom) if drive.is_free[line] else {frozenset(own): {(0, 0)}})
    everything = [
        [bins for bins, _ in each]
        for each in itertools.product(*(way.items() for way in ways))
        if is_within((budgets for _, budgets in each), drive.freedom)
    ]
    for row, side in itertools.product(range(ticks), (0, 1)):
        (found,) = worst_potentials(drive, np.array([row]), np.array([side]))
        values = [potential(drive, side, each, row=row) for each in everything]
        assert found == pytest.approx(max(values) if side else min(values), abs=1e-9)
        targets, added = worst_spikes(drive, row, side)
        assert (targets < 0).sum() <= drive.freedom[1]
        assert len(added) <= drive.freedom[2]
        kept = targets >= 0
        assert (np.abs(targets - drive.spikes)[kept] <= drive.freedom[0]).all()
        shown = [set(targets[drive.first[line] : drive.first[line + 1]].tolist()) - {-1} for line in range(lines)]
        for line, tick in added.tolist():
            assert drive.is_free[line]
            shown[line].add(tick)
        assert potential(drive, side, shown, row=row) == pytest.approx(found, abs=1e-9)


def drawn_program(seed: int) -> tuple[sp.Program, sp.Spec, sp.Robust]:
    """Return a small program of some chip, a spec of what it does with don't-care bins, and perturbations."""
    rng = np.random.default_rng(seed)
    chip = ("loihi1", "loihi1", "xylo", "fpga-subtract", "fpga-ge")[seed % 5]
    ticks, lines, hidden = int(rng.integers(6, 10)), int(rng.integers(1, 4)), int(rng.integers(0, 2))
    longest = 1 if chip == "xylo" else 4
    wires = [
        (pre, post, delay, int(rng.integers(-60, 120)))
        for post in range(1 + hidden)
        for pre in range(lines + int(hidden and post == 1))
        for delay in rng.choice(np.arange(1, longest + 1), min(2, longest), replace=False).tolist()
    ]
    pre, post, delay, weight = map(list, zip(*wires, strict=True))
    decays: dict[str, Any] = {}
    if chip != "xylo":
        decays = {"current_decay": int(rng.choice([4095, 1000])), "potential_decay": int(rng.choice([205, 1000, 0]))}
    program = sp.Program.from_arrays(
        chip=chip,
        n_inputs=lines,
        n_neurons=1 + hidden,
        outputs=[hidden],
        pre=pre,
        post=post,
        delay=delay,
        weight=weight,
        threshold=int(rng.integers(30, 100)),
        refractory=1 if chip == "xylo" else int(rng.integers(1, 3)),
        **decays,
    )
    inputs = [rng.random((ticks, lines)) < 0.3 for _ in range(int(rng.integers(1, 3)))]
    rasters, _ = run_observed(program, inputs)
    patterns = [
        sp.Pattern(each, raster[:, program.outputs], rng.random((ticks, 1)) < 0.8)
        for each, raster in zip(inputs, rasters, strict=True)
    ]
    robust = sp.Robust(
        jitter=int(rng.integers(0, 2)),
        missing=int(rng.integers(0, 2)),
        extra=int(rng.integers(0, 2)),
        weights=float(rng.choice([0.0, 0.0, 0.05])),
        exempt=(0,) if rng.random() < 0.2 else (),
    )
    return program, sp.Spec(patterns, chip=chip), robust


def is_wrong_somewhere(program: sp.Program, spec: sp.Spec, robust: sp.Robust, most: int = 1000) -> bool:
    """Return whether an output is wrong for a perturbed input, of all of them, or of as many as are to be run."""
    for pattern in spec.patterns:
        perturbed = [
            each.of(pattern.inputs) for each in itertools.islice(every_perturbation(pattern.inputs, robust), most)
        ]
        for raster in run_observed(program, perturbed)[0]:
            if ((raster[:, program.outputs] != pattern.targets) & pattern.care).any():
                return True
    return False


@pytest.mark.parametrize("seed", range(25))
def test_verdicts_agree_with_runs_of_all_perturbations(seed: int) -> None:
    program, spec, robust = drawn_program(seed)
    found = check_robust(program, spec, robust)
    is_wrong = is_wrong_somewhere(program, spec, robust)
    if found.verdict == HOLDS:
        assert not is_wrong
    if found.verdict == VIOLATED:
        assert is_wrong or robust.weights > 0
        violation = found.violation
        assert violation is not None
        pattern = spec.patterns[violation.pattern]
        assert np.array_equal(violation.perturbation.of(pattern.inputs), violation.inputs)
        ((raster,), _) = run_observed(violation.program, [violation.inputs])
        place = violation.tick, violation.output
        assert raster[:, program.outputs][place] != pattern.targets[place]
        assert pattern.care[place]
    if found.verdict == UNDECIDED:
        assert found.reason
        assert robust.weights > 0  # all others are few enough to be run


def test_all_verdicts_occur() -> None:
    verdicts = [check_robust(*drawn_program(seed)) for seed in range(25)]
    assert {each.verdict for each in verdicts} >= {HOLDS, VIOLATED}
    assert any(each.holds and each.runs == 0 and each.rows > 0 and not each.robust.is_nothing for each in verdicts)


def chain(weight: int = 100, threshold: int = 60) -> sp.Program:
    """Return a neuron that repeats its input a tick later."""
    return sp.Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=1, pre=[0], post=[0], weight=[weight], threshold=threshold
    )


def one_pattern(ticks: Sequence[int], due: Sequence[int], length: int = 8) -> sp.Spec:
    inputs, targets = np.zeros((length, 1), bool), np.zeros((length, 1), bool)
    inputs[list(ticks)], targets[list(due)] = True, True
    return sp.Spec([sp.Pattern(inputs, targets)])


def test_weights_change_by_whole_mantissas() -> None:
    spec = one_pattern([2], [3])
    assert sp.verify(chain(100, 94), spec, robust=sp.Robust(weights=0.05)).exact
    check = sp.verify(chain(100, 95), spec, robust=sp.Robust(weights=0.05))
    assert not check.exact
    assert check.backends["kernel"].exact
    assert check.robustness is not None
    violation = check.robustness.violation
    assert violation is not None
    assert violation.program.weight.tolist() == [95]
    assert sp.verify(chain(99, 95), spec, robust=sp.Robust(weights=0.04)).exact  # floor(3.96)


def test_a_missing_and_an_added_spike_are_shown() -> None:
    spec = one_pattern([2], [3])
    lost = sp.verify(chain(), spec, robust=sp.Robust(missing=1)).robustness
    assert lost is not None
    assert lost.violation is not None
    assert lost.violation.perturbation == Perturbation(missing=((0, 2),))
    more = sp.verify(chain(), spec, robust=sp.Robust(extra=1)).robustness
    assert more is not None
    assert more.violation is not None
    assert len(more.violation.perturbation.added) == 1
    assert "added" in str(more)
    assert sp.verify(chain(), spec, robust=sp.Robust(jitter=2, extra=1, missing=1, exempt=(0,))).exact


def test_spikes_in_one_tick_are_one() -> None:
    """Two spikes of one line that move to the same tick count once."""
    spec = one_pattern([2, 3], [3, 4])
    slow = sp.Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=1, pre=[0], post=[0], weight=[50], threshold=120, potential_decay=0
    )
    silent = sp.Spec([sp.Pattern(spec.patterns[0].inputs, np.zeros((8, 1), bool))])
    assert sp.verify(slow, silent, robust=sp.Robust(jitter=3)).exact


def test_a_program_that_is_wrong_without_perturbation_is_violated_without_one() -> None:
    found = check_robust(chain(), one_pattern([2], [4]), sp.Robust(jitter=1))
    assert found.violation is not None
    assert found.violation.perturbation == Perturbation()


def test_noise_and_perturbations_hold_together() -> None:
    spec = one_pattern([2], [3])
    noisy = sp.Spec(spec.patterns, noise=4.0)
    robust = sp.Robust(weights=0.05)
    assert check_robust(chain(100, 90), noisy, robust).holds
    assert not check_robust(chain(100, 92), noisy, robust).holds


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"jitter": -1}, "jitter must be an integer from 0 to 1048576, got -1"),
        ({"extra": 10**9}, "extra must be an integer from 0 to 1048576, got 1000000000"),
        ({"missing": 1.5}, "missing must be an integer"),
        ({"weights": 2.0}, "weights must be a share from 0 to 1, got 2"),
        ({"weights": "much"}, "weights must be a number"),
        ({"exempt": 3}, "exempt must be a list of input lines, got 3"),
    ],
)
def test_invalid_perturbations_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        sp.Robust(**values)


def test_exempt_lines_must_exist() -> None:
    spec = one_pattern([2], [3])
    with pytest.raises(SpecError, match="exempt must name input lines from 0 to 0, got 4"):
        sp.verify(chain(), spec, robust=sp.Robust(jitter=1, exempt=(4,)))
    with pytest.raises(SpecError, match="exempt must name input lines from 0 to 0, got 4"):
        sp.Spec(spec.patterns, robust=sp.Robust(jitter=1, exempt=(4,)))


def test_a_spec_takes_a_table() -> None:
    spec = sp.Spec(one_pattern([2], [3]).patterns, robust={"jitter": 1, "exempt": [0]})
    assert spec.robust == sp.Robust(jitter=1, exempt=(0,))
    assert sp.Spec(spec.patterns, robust=sp.Robust()).robust is None
    assert "robust (jitter 1, exempt 0)" in repr(spec)
    with pytest.raises(SpecError, match="robust has unknown key 'jiter'"):
        sp.Spec(spec.patterns, robust={"jiter": 1})
    with pytest.raises(SpecError, match="robust must be a Robust"):
        sp.Spec(spec.patterns, robust=untyped(1))


def test_the_count_is_an_upper_bound() -> None:
    inputs: NDArray[np.bool_] = np.random.default_rng(1).random((6, 2)) < 0.4
    for robust in (sp.Robust(jitter=1), sp.Robust(missing=2, extra=1), sp.Robust(jitter=2, missing=1, exempt=(1,))):
        assert len(list(every_perturbation(inputs, robust))) <= count_at_most(inputs, robust)


def crowded(ticks: int = 400, lines: int = 8) -> tuple[sp.Program, sp.Spec]:
    """Return a program with a hidden neuron that spikes often, and many input spikes; its output is silent."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=lines,
        n_neurons=2,
        outputs=[1],
        pre=[*range(lines), lines],
        post=[0] * lines + [1],
        weight=[20] * lines + [5],
        threshold=[60, 1000],
    )
    inputs = np.random.default_rng(0).random((ticks, lines)) < 0.4
    return program, sp.Spec([sp.Pattern(inputs, np.zeros((ticks, 1), bool))])


def test_more_perturbations_than_a_float_holds_are_too_many() -> None:
    program, spec = crowded()
    found = check_robust(program, spec, sp.Robust(jitter=1))
    assert found.verdict == UNDECIDED
    assert found.reason.endswith("there are too many others to run all (more than 1e308)")


@pytest.mark.parametrize("name", ["jitter", "missing", "extra"])
def test_errors_beyond_a_pattern_change_nothing_more(name: str) -> None:
    program, spec = chain(), one_pattern([2, 4], [3, 5])
    most = {"jitter": 7, "missing": 2, "extra": 8}[name]
    found, beyond = (check_robust(program, spec, untyped(sp.Robust)(**{name: value})) for value in (most, 2**20))
    assert found.verdict == beyond.verdict
    assert found.room == beyond.room


def test_worst_cases_that_take_too_large_tables_are_refused() -> None:
    program, spec = crowded()
    with pytest.raises(SpecError, match="jitter, missing and extra must be small enough"):
        check_robust(program, spec, sp.Robust(missing=10**6, extra=10**6))
