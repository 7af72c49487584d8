"""Compiled simulation of one neuron under a rule, for searches that run it hundreds of times.

The code is generated from the rule (`snnprog.rules.source`) and works in int64, on events in the order of arrival. The
spikes of a run may be prescribed; the compared potentials then show whether the neuron would spike by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.rules.compiled import generated
from snnprog.rules.rule import COUNT, POTENTIAL, SPIKES, WEIGHT, Rule, Watch
from snnprog.rules.source import Writer, indented

FREE = -1
"""Stands for spikes by the rule instead of a prescribed number of spikes."""

TEMPLATE = """

@compiled(nogil=True, error_model="numpy")
def run(arrays{more}):
    kind = np.int64
    first, tap, weight, ends, given, parameters, found, watched = arrays
{parameters}
{rest}
    for tick in range(ends.size):
{begin}
        for event in range(first[tick], first[tick + 1]):
            {weight} = weight[tap[event]]
{gather}
{steps}
        found[0, tick] = {spikes}
        found[1, tick] = compared
        found[2, tick] = {potential}
{look}
        if ends[tick]:
{end}
    return np.uint64(0)
"""

Events = tuple[Int64s, Int64s]


class RunArrays(NamedTuple):
    """The arrays of a run, in which it leaves its results.

    Attributes
    ----------
    first, tap : (ticks + 1,) int and (events,) int
        Events of tick k arrive through ``tap[first[k]:first[k + 1]]``.
    weight : (taps,) int
    ends : (ticks,) bool
        Whether each tick is the last of its pattern.
    given : (ticks,) int
        Prescribed number of spikes at each tick, `FREE` where the neuron runs freely.
    parameters : (parameters,) int
        As in `parameter_names`.
    found : (3, ticks) int
        Number of spikes by the rule, the potential that was compared, and its value after the tick.
    watched : (watches + 1, 2) int
        The first tick at which each watched value left the portable range, -1 before, and the value.
    """

    first: Int64s
    tap: Int64s
    weight: Int64s
    ends: Raster
    given: Int64s
    parameters: Int64s
    found: Int64s
    watched: Int64s


@dataclass(frozen=True, eq=False)
class NeuronRun:
    """The run of a neuron, (ticks,) each.

    Attributes
    ----------
    spikes : int64
        Number of spikes by the rule at each tick, independent of prescribed spikes.
    compared, left : int64
        The potential that was compared with the threshold, and its value after the tick.
    excursion : (int, int, int) or None
        The first place where it left the portable range: tick, which watch of the rule, and the value.
    """

    spikes: Int64s
    compared: Int64s
    left: Int64s
    excursion: tuple[int, int, int] | None


def run_neuron(
    rule: Rule,
    events: Events,
    *,
    weights: Int64s,
    ends: Raster,
    parameters: dict[str, int],
    given: Int64s | None = None,
) -> NeuronRun:
    """Run one neuron, each pattern from rest.

    Parameters
    ----------
    events : ((ticks + 1,) int, (events,) int)
        Events of tick k arrive through ``tap[first[k]:first[k + 1]]``.
    weights : (taps,) int
        Including exponents.
    ends : (ticks,) bool
        Whether each tick is the last of its pattern.
    parameters : dict of str to int
        All parameters that the rule reads.
    given : (ticks,) int, optional
        Prescribed number of spikes at each tick; by default those of the rule.
    """
    run = RunArrays(
        *events,
        weight=weights,
        ends=ends,
        given=np.full(ends.size, FREE, np.int64) if given is None else given,
        parameters=np.array([parameters[name] for name in parameter_names(rule)], np.int64),
        found=np.zeros((3, ends.size), np.int64),
        watched=np.full((len(rule.watched) + 1, 2), -1, np.int64),
    )
    _runner(rule)(run)
    return NeuronRun(run.found[0], run.found[1], run.found[2], _first_excursion(run.watched[:-1]))


def _first_excursion(watched: Int64s) -> tuple[int, int, int] | None:
    if watched[:, 0].max(initial=-1) < 0:
        return None
    out = np.flatnonzero(watched[:, 0] >= 0)
    which = int(out[np.argmin(watched[out, 0])])
    return int(watched[which, 0]), which, int(watched[which, 1])


@lru_cache(maxsize=64)
def parameter_names(rule: Rule) -> tuple[str, ...]:
    """Return the parameters and constants of a rule, in the order of the arguments of a run."""
    return (*(each.name for each in rule.parameters), *(each.name for each in rule.constants))


@lru_cache(maxsize=64)
def _runner(rule: Rule) -> Callable[..., np.uint64]:
    runner: Callable[..., np.uint64] = generated(neuron_source(rule)).run
    return runner


def neuron_source(rule: Rule, *, more: str = "", look: Sequence[str] = ()) -> str:
    """Return the code that runs one neuron: ``run``, of `RunArrays`.

    It returns 0, so that compiled code can call it by its address (`snnprog.jit.called`).

    Parameters
    ----------
    more : str
        More parameters of the function, each after a comma.
    look : sequence of str
        Statements after each tick, which read them.
    """
    writer = Writer.of(rule)
    names = [writer.name(name) for name in parameter_names(rule)]
    registers = [writer.name(name) for name in rule.registers]
    target, potential = writer.name(rule.gather.target), writer.name(POTENTIAL)
    weight, count, spikes = (writer.name(name) for name in (WEIGHT, COUNT, SPIKES))
    gather = writer.step(rule.gather)
    steps = []
    for line in writer.steps(rule.steps):
        steps.append(line)
        if line.startswith(f"{spikes} = "):
            steps += [f"own = {spikes}", f"if given[tick] >= 0: {spikes} = given[tick]"]
    looks = {watch.step: _looks(writer, index, watch=watch) for index, watch in enumerate(rule.watched)}
    return TEMPLATE.format(
        more=more,
        look=indented(look, 2),
        parameters=indented([f"{name} = parameters[{index}]" for index, name in enumerate(names)], 1),
        rest=indented([f"{name} = kind(0)" for name in registers], 1),
        begin=indented([f"{count} = kind(1)"] + ([] if target in registers else [f"{target} = kind(0)"]), 2),
        weight=weight,
        gather=indented(gather + looks.get(rule.gather.name, []), 3),
        steps=indented(steps + [line for name, look in looks.items() if name != rule.gather.name for line in look], 2),
        spikes="own",
        potential=potential,
        end=indented([f"{name} = kind(0)" for name in registers], 3),
    )


def _looks(writer: Writer, index: int, *, watch: Watch) -> list[str]:
    """Return the statements that record the first value of a watched step beyond its limit."""
    return [
        line
        for variable in writer.watches[watch.step]
        for line in (
            f"if watched[{index}, 0] < 0 and abs({variable}) >= {watch.limit}:",
            f"    watched[{index}, 0] = tick",
            f"    watched[{index}, 1] = {variable}",
        )
    ]
