"""Why a spec can or cannot be built, output by output, with proofs that are checked again.

For outputs that can be built, the status is that of their integers, rehearsed one by one with the target spikes of all
others as their input. Where target spikes have windows, those are the ticks that were chosen.

What is told is what each output can do alone. Where hidden neurons may be added, it is also told of each infeasible
output whether they may help: they do unless what no network can know speaks against it, see
`snnprog.design.hidden.impossible`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from snnprog.checks import as_seconds, check_type
from snnprog.chips import find_chip
from snnprog.design import Design, design, recheck
from snnprog.design.conflicts import leaves
from snnprog.design.designer import Progress, leaks_of
from snnprog.design.hidden.impossible import histories_of, impossibility
from snnprog.design.hidden.wiring import Wiring
from snnprog.design.rasters.windows import design_in_windows
from snnprog.errors import Conflict, SolverError
from snnprog.integers import INEXACT, Quantized, quantize
from snnprog.network import Network, Neuron
from snnprog.solver import deadline_after, one_blas_thread, until
from snnprog.spec import Pattern, Spec, presynaptic_raster, with_targets

INFEASIBLE, UNDECIDED = "infeasible", "undecided"


@dataclass(frozen=True)
class Verdict:
    """What can be said of one output.

    Attributes
    ----------
    output : int
    status : str
        "certified", "exact", "inexact" (weights exist, but no rounding that was tried is exact and survives the noise),
        "infeasible" or "undecided" (neither weights nor a proof was found, or the time ran out).
    conflicts : tuple of Conflict
        Why it is infeasible; where outputs feed outputs and have windows, the first of them speaks for all.
    is_rechecked : bool
        Whether the proof of that held when it was checked again, in integers, from its prices alone.
    cases : int
        How many cases the proof tells apart; 1 without don't-care bins. 0 where there is nothing to check again: where
        the solver refused every choice of ticks in windows, or of synapses within a fan-in.
    excess : Fraction or None
        What the proof leaves open, in weight LSBs; see `snnprog.design.proofs`. Nothing, where not positive.
    holds_at_any_scale : bool
        Whether the proof holds for weights of any size, and not only for those within the chip's ranges.
    hidden : Conflict, bool or None
        Where the spec allows hidden neurons and the output is infeasible alone: why they do not help either, or True,
        where nothing speaks against it. None where that was not asked, or not found out in time.
    """

    output: int
    status: str
    conflicts: tuple[Conflict, ...] = ()
    is_rechecked: bool = False
    cases: int = 0
    excess: Fraction | None = None
    holds_at_any_scale: bool = False
    hidden: Conflict | Literal[True] | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the verdict as plain data; shares of prices are texts such as "1/2"."""
        return {
            "output": self.output,
            "status": self.status,
            "conflicts": [
                {"reason": conflict.reason, "is_minimal": conflict.is_minimal, "bins": _bins(conflict)}
                for conflict in self.conflicts
            ],
            "proof": self._proof_as_dict() if self.conflicts and self.cases else None,
            "hidden_neurons": self._hidden_as_dict(),
        }

    def _hidden_as_dict(self) -> dict[str, object] | None:
        if self.hidden is None:
            return None
        return {"may_help": self.hidden is True, "reason": "" if self.hidden is True else self.hidden.reason}

    def _proof_as_dict(self) -> dict[str, object]:
        return {
            "rechecked": self.is_rechecked,
            "cases": self.cases,
            "leaves_open_lsb": 0.0 if self.excess is None else max(0.0, float(self.excess)),
            "holds_at_any_scale": self.holds_at_any_scale,
        }


@dataclass(frozen=True)
class Explanation:
    """What can be said of a spec.

    Attributes
    ----------
    verdicts : tuple of Verdict
        One per output, in order.
    """

    verdicts: tuple[Verdict, ...]

    @property
    def is_feasible(self) -> bool:
        """Whether no output is infeasible or undecided."""
        return not any(verdict.status in (INFEASIBLE, UNDECIDED) for verdict in self.verdicts)

    @property
    def infeasible(self) -> tuple[int, ...]:
        """The outputs that are proved infeasible."""
        return tuple(verdict.output for verdict in self.verdicts if verdict.status == INFEASIBLE)

    def as_dict(self) -> dict[str, object]:
        """Return the explanation as plain data."""
        return {"feasible": self.is_feasible, "outputs": [verdict.as_dict() for verdict in self.verdicts]}


@one_blas_thread()
def explain(
    spec: Spec,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    time_limit_s: float | None = None,
) -> Explanation:
    """Say of each output of a spec whether it can be built, and if not, why.

    Parameters
    ----------
    executor : concurrent.futures.Executor, optional
        Where neurons are designed side by side.
    progress : callable, optional
        Called with (step, done, all) as work proceeds.
    time_limit_s : float, optional
        Seconds for the design, again for the search for integers, and again for what hidden neurons may do.

    Raises
    ------
    SolverError
        If the solver gives up where it is asked for ticks in windows, or for integers.
    """
    check_type("spec", spec, Spec)
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    if spec.window == (0, 0):
        designed = design(spec, executor=executor, progress=progress, time_limit_s=limit, may_be_unbuilt=True)
    else:
        designed = design_in_windows(spec, executor=executor, progress=progress, time_limit_s=limit)
    held = recheck(spec, designed)
    statuses = _statuses(spec, designed, limit, progress)
    verdicts = [_verdict(index, designed, statuses, is_rechecked=held[index]) for index in range(spec.n_outputs)]
    infeasible = [verdict.output for verdict in verdicts if verdict.status == INFEASIBLE]
    help_of = _help_of_hidden(spec, infeasible, limit)
    return Explanation(tuple(replace(verdict, hidden=help_of.get(verdict.output)) for verdict in verdicts))


def _help_of_hidden(spec: Spec, outputs: list[int], limit: float | None) -> dict[int, Conflict | Literal[True]]:
    """Return output -> why hidden neurons do not help, or True, for as many as the time allows."""
    help_of: dict[int, Conflict | Literal[True]] = {}
    if not outputs or spec.hidden == 0 or spec.window != (0, 0):
        return help_of
    wiring = Wiring(spec, leaks_of(spec.dynamics, find_chip(spec.chip), spec.refractory), ())
    with until(deadline_after(limit)), suppress(SolverError):
        histories = histories_of(wiring)
        for output in outputs:
            help_of[output] = impossibility(wiring, output, histories) or True
    return help_of


def _verdict(output: int, designed: Design, statuses: Mapping[int, str], *, is_rechecked: bool) -> Verdict:
    outcome = designed.outcomes[output]
    if not outcome.conflicts:
        return Verdict(output, statuses.get(output, UNDECIDED))
    if outcome.certificate is None:
        return Verdict(output, INFEASIBLE, outcome.conflicts)
    certificates = list(leaves(outcome.certificate))
    return Verdict(
        output=output,
        status=INFEASIBLE,
        conflicts=outcome.conflicts,
        is_rechecked=is_rechecked,
        cases=len(certificates),
        excess=max(certificate.excess for certificate in certificates),
        holds_at_any_scale=all(certificate.holds_at_any_scale for certificate in certificates),
    )


def _statuses(spec: Spec, designed: Design, time_limit_s: float | None, progress: Progress | None) -> dict[int, str]:
    """Return output -> status in integers, of the outputs that can be built; all others do as the target says."""
    built = {index: outcome.neuron for index, outcome in enumerate(designed.outcomes) if outcome.neuron is not None}
    if not built:
        return {}
    if spec.recurrent and find_chip(spec.chip).semantics.most_spikes_heard > 1:
        return _statuses_in_loop(spec, designed, time_limit_s, progress)
    chosen = with_targets(spec, built, np.stack([neuron.raster for neuron in built.values()], axis=1))
    patterns = tuple(
        Pattern(presynaptic_raster(chosen, pattern), pattern.targets[:, list(built)], pattern.care[:, list(built)])
        for pattern in chosen.patterns
    )
    asked = replace(spec, patterns=patterns, recurrent=False)
    quantized = quantize(asked, designed.network, time_limit_s=time_limit_s, progress=progress)
    return _told(spec, list(built), quantized)


def _told(spec: Spec, outputs: list[int], quantized: Quantized) -> dict[int, str]:
    statuses = {
        output: INEXACT if neuron.noise is not None and neuron.noise < spec.noise else neuron.status
        for output, neuron in zip(outputs, quantized.neurons, strict=True)
    }
    return statuses | {outputs[index]: UNDECIDED for index in quantized.out_of_time}


def _statuses_in_loop(
    spec: Spec, designed: Design, time_limit_s: float | None, progress: Progress | None
) -> dict[int, str]:
    """Return the same where what feeds others is no input line; outputs that are not built do not count."""
    is_built = np.array([outcome.neuron is not None for outcome in designed.outcomes])
    targets, care = designed.spec.targets, spec.care & is_built
    top, shape = float(find_chip(spec.chip).thresholds[1]), (len(spec.delays), spec.n_presynaptic)
    neurons = [
        outcome.neuron or Neuron(np.zeros(shape), top, 0.0, 0, margin=0.0, bound=0.0, raster=targets[:, index])
        for index, outcome in enumerate(designed.outcomes)
    ]
    ends = np.cumsum([pattern.ticks for pattern in spec.patterns])[:-1]
    parts = zip(spec.patterns, np.split(targets, ends), np.split(care, ends), strict=True)
    asked = replace(spec, patterns=tuple(Pattern(pattern.inputs, *part) for pattern, *part in parts))
    network = Network(spec.delays, tuple(neurons))
    quantized = quantize(asked, network, time_limit_s=time_limit_s, progress=progress)
    statuses = _told(spec, list(range(spec.n_outputs)), quantized)
    return {output: status for output, status in statuses.items() if is_built[output]}


def _bins(conflict: Conflict) -> list[dict[str, object]]:
    return [
        {
            "pattern": each.pattern,
            "tick": each.tick,
            "demand": each.demand,
            "share": str(share),
        }
        for each, share in zip(conflict.bins, conflict.shares, strict=True)
    ]
