"""Pairs of ticks with the same history, or a weaker one: against plain fractions, and what is made of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from verdict_specs import ExactNeuron, tiny_spec

import snnprog as sp
from snnprog.check_proof import check
from snnprog.design import design
from snnprog.design.box import box_of
from snnprog.design.mapping import potential_map
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.design.proofs.certificate import certify
from snnprog.design.proofs.histories import balanced, clashes, fadings
from snnprog.spec import FREE
from snnprog.spec.document import spec_to_data


def problem_of(spec: sp.Spec) -> NeuronProblem:
    """Return the rows of the output, all of them constrained."""
    mapping, targets = potential_map(spec), spec.targets[:, 0]
    return neuron_problem(mapping, 0, raster=targets, constrained=np.ones_like(targets), box=box_of(spec, mapping))


def share(row: list[Fraction], other: list[Fraction]) -> Fraction | None:
    """Return how much of the other row a row is; None if it is not a share above 0."""
    if not any(row) or not any(other):
        return None
    column = next(index for index, value in enumerate(other) if value)
    found = row[column] / other[column]
    return found if found > 0 and all(a == found * b for a, b in zip(row, other, strict=True)) else None


def test_weaker_histories_are_those_of_plain_fractions() -> None:
    found = 0
    for seed in range(300):
        spec = tiny_spec(seed)
        problem, exact = problem_of(spec), ExactNeuron(spec)
        columns = [*range(len(exact.box) - 2), *([-1] if spec.bias else [])]
        rows = [[abs(row[column]) for column in columns] for row in exact.rows]
        sized = [sum(row) > Fraction(1, 10**9) for row in rows]
        due = [tick for tick in np.flatnonzero(problem.constrained & problem.raster).tolist() if sized[tick]]
        silent = [tick for tick in np.flatnonzero(problem.constrained & ~problem.raster).tolist() if sized[tick]]
        weaker = {}
        for spike in due:
            shares = {tick: share(rows[spike], rows[tick]) for tick in silent}
            weaker[spike] = {tick: part for tick, part in shares.items() if part is not None and part < 1}
        pairs = dict(fadings(problem))
        assert set(pairs) == {spike for spike in due if weaker[spike]}, seed
        for spike, silence in pairs.items():
            prices = balanced(problem, spike, silence=silence)
            assert Fraction(prices[silence], prices[spike]) == weaker[spike][silence], seed
            assert abs(spike - silence) == min(abs(spike - tick) for tick in weaker[spike]), seed
            assert certify(problem, prices) is not None or spec.bias not in (0, FREE), seed
        found += len(pairs)
    assert found > 30


def quiet(**options: Any) -> sp.Spec:
    """Return a spec whose second spike is due after 9 ticks without input."""
    inputs, targets = np.zeros((21, 5), dtype=bool), np.zeros((21, 1), dtype=bool)
    inputs[[0, 1, 2, 3, 4, 5, 5], [0, 1, 2, 3, 4, 0, 2]] = True
    targets[[3, 18]] = True
    return sp.Spec([sp.Pattern(inputs, targets)], [1, 2, 3], dynamics=sp.Dynamics(205), **options)


def test_a_spike_in_a_stretch_without_input_is_refused_without_a_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.design.neuron.safe_margin", None)
    (outcome,) = design(quiet()).outcomes
    (conflict,) = outcome.conflicts
    assert conflict.is_minimal
    assert [(each.tick, each.price) for each in conflict.bins] == [(17, 3891), (18, 4096)]
    assert conflict.reason == (
        "output 0 must spike at tick 18 of pattern 0 and be silent at tick 17 of pattern 0, but what it has received"
        " acts in the same proportions at both, and more strongly at the silence"
    )


@pytest.mark.parametrize(
    "options", [{}, {"threshold": 40}, {"signs": [1, -1, 1, 0, 1]}, {"weight_bits": 4}, {"sparse": True}], ids=str
)
def test_the_proof_of_a_weaker_history_is_about_integers(options: dict[str, Any]) -> None:
    spec = quiet(**options)
    with pytest.raises(sp.InfeasibleError, match="more strongly at the silence") as caught:
        sp.compile(spec)
    assert check(spec_to_data(spec), dict(caught.value.proof)) is None


def test_a_bias_may_lift_a_spike_in_a_stretch_without_input() -> None:
    assert fadings(problem_of(quiet(bias=FREE))) == []
    assert sp.compile(quiet(bias=FREE)).report.status in ("certified", "exact")


def test_fewer_thresholds_at_a_silence_count_as_a_stronger_history() -> None:
    """Both inputs are gone, and what the first spike has subtracted is not."""
    inputs, targets = np.zeros((2, 9, 1), dtype=bool)
    inputs[0], targets[[2, 5]] = True, True
    spec = sp.Spec([sp.Pattern(inputs, targets)], chip="xylo")
    problem = problem_of(spec)
    assert clashes(problem) == []
    pairs = fadings(problem)
    assert [spike for spike, _ in pairs] == [5]
    assert certify(problem, balanced(problem, pairs[0][0], silence=pairs[0][1])) is not None
    with pytest.raises(sp.InfeasibleError):
        sp.compile(spec)


def test_of_long_memories_the_decay_is_guessed() -> None:
    """2000 ticks of 12 bits each: their exact prices would take too long."""
    inputs, targets = np.zeros((2, 2000, 1), dtype=bool)
    inputs[0], targets[1999] = True, True
    problem = problem_of(sp.Spec([sp.Pattern(inputs, targets)], dynamics=sp.Dynamics(1)))
    assert fadings(problem) == [(1999, 1998)]
    prices = balanced(problem, 1999, silence=1998)
    assert prices == {1999: 4096, 1998: 4095}
    assert certify(problem, prices) is not None
