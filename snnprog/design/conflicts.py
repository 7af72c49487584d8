"""Why a neuron cannot be built, in the words of the specification."""

from __future__ import annotations

import numpy as np

from snnprog.design.problem import NeuronProblem
from snnprog.errors import Conflict
from snnprog.potential import NO_RESET, Ticks
from snnprog.raster import Raster

NAMED_TICKS = 4


def unreached_spikes(problem: NeuronProblem) -> list[Conflict]:
    """Return a conflict for each spike that is due when nothing has arrived since the neuron was last at rest.

    A neuron with a bias, fixed or free, may fire on its own, so it has none.
    """
    if problem.box.has_bias:
        return []
    hopeless = np.flatnonzero(problem.constrained & problem.raster & (problem.norms == 0.0))
    return [_unreached(problem, int(tick)) for tick in hopeless]


def contradiction(problem: NeuronProblem, binding: Ticks) -> Conflict:
    """Return the conflict among the ticks whose rows, taken together, no weights satisfy."""
    due = [int(tick) for tick in binding if problem.raster[tick]]
    silent = [int(tick) for tick in binding if not problem.raster[tick]]
    named = (due or silent)[0]
    pattern, tick = problem.potential_map.tape.where(named)
    if len(due) == 1 and len(silent) == 1 and _are_alike(problem, due[0], silent[0]):
        reason = (
            f"output {problem.neuron} must spike at {_place(problem, due[0])} and be silent at"
            f" {_place(problem, silent[0])}, but what it has received by then is the same"
        )
    else:
        reason = (
            f"no weights let output {problem.neuron} {_demand('spike', problem, due)}"
            f"{' and ' if due and silent else ''}{_demand('be silent', problem, silent)}{_fixed(problem)}"
        )
    return Conflict(problem.neuron, pattern, tick, reason)


def no_filling(problem: NeuronProblem, care: Raster) -> Conflict:
    """Return the conflict of a neuron whose bins that count cannot be met, whatever it does in the others."""
    pattern, tick = problem.potential_map.tape.where(int(np.flatnonzero(care)[0]) if care.any() else 0)
    counted, free = int(care.sum()), int((~care).sum())
    reason = (
        f"no weights let output {problem.neuron} do what its {counted} bins that count ask for, from tick {tick}"
        f" of pattern {pattern} on, whatever it does in its {free} don't-care bins{_fixed(problem)}"
    )
    return Conflict(problem.neuron, pattern, tick, reason)


def _fixed(problem: NeuronProblem) -> str:
    """Name what was not left to the design."""
    box = problem.box
    parts = [] if box.is_threshold_free else [f"the threshold fixed at {box.threshold[0]:g}"]
    parts += [] if box.is_bias_free or box.bias[0] == 0.0 else [f"the bias fixed at {box.bias[0]:g} weight LSBs"]
    parts += ["decays taken as exact"] if sum(problem.potential_map.leaks.losses) > 0.0 else []
    parts += [f"noise of {box.noise:g} weight LSBs to survive"] if box.noise > 0.0 else []
    return f", with {' and '.join(parts)}" if parts else ""


def _unreached(problem: NeuronProblem, tick: int) -> Conflict:
    pattern, local = problem.potential_map.tape.where(tick)
    reset = int(problem.resets.last[tick])
    since = (
        "the pattern began" if reset == NO_RESET else f"its reset at tick {problem.potential_map.tape.where(reset)[1]}"
    )
    reason = (
        f"output {problem.neuron} must spike at tick {local} of pattern {pattern},"
        f" but no input has reached it since {since}"
    )
    return Conflict(problem.neuron, pattern, local, reason)


def _are_alike(problem: NeuronProblem, first: int, second: int) -> bool:
    features = problem.features(np.array([first, second]))
    if problem.box.has_bias:
        features = np.column_stack([features, problem.bias_response[[first, second]]])
    return bool(np.allclose(features[0], features[1], rtol=0.0, atol=1e-9))


def _place(problem: NeuronProblem, tick: int) -> str:
    pattern, local = problem.potential_map.tape.where(tick)
    return f"tick {local} of pattern {pattern}"


def _demand(what: str, problem: NeuronProblem, ticks: list[int]) -> str:
    if not ticks:
        return ""
    places = ", ".join(_place(problem, tick) for tick in ticks[:NAMED_TICKS])
    more = f" and {len(ticks) - NAMED_TICKS} more ticks" if len(ticks) > NAMED_TICKS else ""
    return f"{what} at {places}{more}"
