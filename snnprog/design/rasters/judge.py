"""Feasibility of rasters of outputs: each is decided once, and refusals exclude other rasters.

A refusal rests on the rows that the linear program gives a price. Each of these rows follows from the bins since the
neuron's last reset, so every raster that has the same values in those bins is refused as well; where outputs feed
outputs, the bins of all of them up to the last such row count, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.design.conflicts import hopeless_spikes, leaves
from snnprog.design.margins.answer import ROUNDING_PROOF, WidestMargin
from snnprog.design.margins.margin import safe_margin, widest_margin
from snnprog.design.problem import NeuronProblem
from snnprog.design.searched import design_few
from snnprog.design.sparse import thrift_of
from snnprog.design.task import Task
from snnprog.errors import UndecidedError
from snnprog.potential import NO_RESET

# From this many entries of the rows on, the fast method is tried first, which only confirms. × 3 and ÷ 3: no change on
# 2 specs.
LARGE = 100_000
"""Rows times taps from which a safe margin is searched before the verdict."""


@dataclass(frozen=True, eq=False)
class Ruling:
    """The result for a raster.

    Attributes
    ----------
    is_feasible : bool
    prices : (ticks, outputs) float
        What each bin costs, where the raster is refused.
    ground : (ticks, outputs) bool
        The bins that it is refused for: so is every raster that has the same values there.
    """

    is_feasible: bool
    prices: Floats
    ground: Raster


class Judge:
    """Decides which rasters some outputs of a spec can produce; the others follow the spec's targets.

    Parameters
    ----------
    task : Task
    outputs : sequence of int
        Which outputs; all, where outputs feed outputs.
    rounding_proof : bool
        Whether a raster counts only if it survives every rounding of the weights.

    Attributes
    ----------
    calls : int
        Number of calls of the solver.
    refusals : list of (raster, Ruling)
        What it refused, in that order.
    is_sure : bool
        Whether all that was refused is impossible in real weights, and not only where a search ended.
    """

    def __init__(self, task: Task, outputs: Iterable[int], *, rounding_proof: bool = False) -> None:
        self.spec, self.outputs, self.rounding_proof = task.spec, tuple(outputs), rounding_proof
        self.calls = 0
        self.refusals: list[tuple[Raster, Ruling]] = []
        self.is_sure = True
        self._task = task
        self._verdicts: dict[bytes, Ruling] = {}

    def problems(self, raster: Raster) -> list[NeuronProblem]:
        """Return each output's problem, with all rows, if the outputs follow ``raster`` (ticks, outputs)."""
        everything = np.ones(len(raster), dtype=np.bool_)
        task = self._task.with_targets(self.outputs, raster) if self.spec.recurrent else self._task
        return [
            task.problem(output, raster[:, index], constrained=everything) for index, output in enumerate(self.outputs)
        ]

    def verdict(self, raster: Raster) -> Ruling:
        """Return whether the outputs can produce ``raster`` (ticks, outputs), with the solver only if necessary."""
        key = np.packbits(raster).tobytes()
        if key not in self._verdicts:
            self._verdicts[key] = self._refused_before(raster) or self._ask(raster)
        return self._verdicts[key]

    def _refused_before(self, raster: Raster) -> Ruling | None:
        for refused, verdict in self.refusals:
            if not (verdict.ground & (raster != refused)).any():
                return verdict
        return None

    def _ask(self, raster: Raster) -> Ruling:
        self.calls += 1
        for index, problem in enumerate(self.problems(raster)):
            prices = self._prices_of_refusal(problem)
            if prices is None and self.spec.fan_in is not None:
                prices = self._prices_of_synapses(problem)
            if prices is not None:
                prices = prices.reshape(-1, len(raster)).sum(axis=0)  # of all looks at a tick
                verdict = self._refusal(index, problem, prices)
                self.refusals.append((raster, verdict))
                return verdict
        return Ruling(True, np.zeros(raster.shape), np.zeros_like(raster))

    def _prices_of_refusal(self, problem: NeuronProblem) -> Floats | None:
        """Return (rows,) the prices of the rows that no weights satisfy together, or None if some do."""
        hopeless = hopeless_spikes(problem)
        if hopeless:
            prices: Floats = np.zeros(problem.raster.size)
            prices[hopeless] = 1.0
            return prices
        is_large = problem.raster.size * problem.potential_map.n_taps >= LARGE
        near = safe_margin(problem) if is_large else None
        if near is not None and near.is_rounding_proof:
            return None
        answers = [widest_margin(problem.idealised(problem.box.widest_exponent), near=near)]
        if answers[0].is_feasible and self.rounding_proof:
            for exponent in problem.box.exponents:
                answers.append(widest_margin(problem.at_exponent(exponent)))
                if answers[-1].is_rounding_proof:
                    return None
            answers = answers[1:]
        elif answers[0].is_feasible:
            return None
        summed: Floats = np.sum([_normalised(answer) for answer in answers], axis=0)
        return summed

    def _prices_of_synapses(self, problem: NeuronProblem) -> Floats | None:
        """Return (rows,) the prices of the rows that no weights on so few taps satisfy, or None if some do."""
        try:
            design = design_few(problem, replace(thrift_of(self.spec), is_fewest=False))
        except UndecidedError as error:
            if error.ended_by_time:
                raise
            self.is_sure = False
            return np.ones(problem.raster.size)
        if design.neuron is not None:
            is_met = not self.rounding_proof or design.neuron.margin >= ROUNDING_PROOF
            return None if is_met else np.ones(problem.raster.size)
        prices: Floats = np.zeros(problem.raster.size)
        for leaf in leaves(design.certificate) if design.certificate is not None else ():
            for tick, price in leaf.prices.items():
                prices[tick] += price / sum(leaf.prices.values())
        return prices if prices.any() else np.ones(problem.raster.size)

    def _refusal(self, index: int, problem: NeuronProblem, prices: Floats) -> Ruling:
        """Trace the rows with a price back to the bins that they follow from."""
        rows = np.flatnonzero(prices)
        if int(rows[0]) in hopeless_spikes(problem):
            rows = rows[:1]
        tape, spike = problem.potential_map.played, problem.resets.spike[: prices.size]
        since = np.where(spike == NO_RESET, tape.starts[tape.pattern], spike)
        ground = np.zeros((prices.size, len(self.outputs)), dtype=np.bool_)
        for row in rows:
            first = tape.starts[tape.pattern[row]] if self.spec.recurrent else since[row]
            ground[first : row + 1, :] |= self.spec.recurrent
            ground[first : row + 1, index] = True
        priced = np.zeros(ground.shape)
        priced[:, index] = prices
        return Ruling(False, priced, ground)


def _normalised(answer: WidestMargin) -> Floats:
    """Return the prices that count, adding up to 1."""
    prices: Floats = np.zeros(answer.prices.size)
    prices[answer.binding] = answer.prices[answer.binding] / answer.prices[answer.binding].sum()
    return prices
