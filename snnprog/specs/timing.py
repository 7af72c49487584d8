"""Delay lines, coincidence detectors and sequence detectors.

All weights here are positive. So if a neuron fires for the smallest input that must make it fire, and is silent for
the largest input that must not, it is correct for all inputs: the patterns contain only these.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from snnprog.arrays import Raster
from snnprog.automata.steps import window_automaton
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.names import names_from
from snnprog.spec import Pattern, Spec
from snnprog.specs.needs import check_delays, check_lines, no_memory
from snnprog.specs.streams import check_ticks, delayed, pauses, recent, stream_of

TRIAL_LIMIT = 1 << 12


@call_checked
def delay_line(delays: int | Sequence[int], *, chip: str | Chip = "loihi1") -> Spec:
    """Return the spec of a delay line: one input line, and one output per delay that repeats it.

    Delays beyond the chip's longest (63 ticks on Loihi) are built from relays, whose spikes are the last outputs. Every
    output has one synapse, so the program is exact on every stream.

    Parameters
    ----------
    delays : int or sequence of int
        In ticks, at least 1; several create a tapped delay line.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If no delay is given, one is not positive, or the chip's neurons have memory.
    """
    wanted = [as_integer("delay", delay) for delay in (delays if isinstance(delays, Iterable) else [delays])]
    if not wanted or min(wanted) < 1:
        raise SpecError(f"delays must be one or more positive integers, got {wanted}")
    target = find_chip(chip)
    longest = target.delays[1]
    stages = (max(wanted) - 1) // longest
    named = [f"after {delay}" for delay in wanted] + [f"relay {stage}" for stage in range(1, stages + 1)]
    wanted += [longest * stage for stage in range(1, stages + 1)]
    check_ticks("delay_line", max(wanted) + 2, advice="take shorter delays")
    offered = {(delay - 1) % longest + 1 for delay in wanted}
    dynamics = no_memory("delay_line", target)
    check_delays("delay_line", target, delays=offered)
    impulse = stream_of([(0, 0)], max(wanted) + 2, lines=1)
    repeated = partial(_repeated, delays=tuple(wanted))
    automaton = window_automaton(repeated, depths=[max(wanted)], n_outputs=len(wanted))
    return Spec(
        [Pattern(impulse, repeated(impulse))],
        offered,
        recurrent=stages > 0,
        dynamics=dynamics,
        fan_in=1,
        chip=target,
        automaton=automaton,
        input_names=["signal"],
        output_names=names_from(named, noun="delay"),
    )


def _repeated(stream: Raster, delays: Sequence[int]) -> Raster:
    """Return what the outputs of a delay line do."""
    return np.concatenate([delayed(stream, delay) for delay in delays], axis=1)


@call_checked
def coincidence(lines: int, *, least: int | None = None, within: int = 0, chip: str | Chip = "loihi1") -> Spec:
    """Return the spec of a coincidence detector: it fires when enough of its lines have spiked together.

    Output 0 responds to a tick at which a line spikes and at least ``least`` lines have spiked at that tick or up to
    ``within`` ticks before: at the next tick if ``within`` is 0, otherwise two ticks later. In that case there are more
    outputs: a trigger, and one per line that fires as long as the line's spike counts. It is exact on every stream.

    Parameters
    ----------
    lines : int
        Number of input lines.
    least : int, optional
        How many of them must have spiked; all by default.
    within : int
        Maximum number of ticks from the first to the last of the spikes.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If there are no lines, ``least`` exceeds them, there are too many ways to coincide, or the chip's neurons
        remember or its delays are too short.
    """
    lines, within = as_integer("lines", lines), as_integer("within", within)
    least = lines if least is None else as_integer("least", least)
    check_lines(lines)
    if not 1 <= least <= lines:
        raise SpecError(f"least must be from 1 to {lines}, the number of lines, got {least}")
    if within < 0:
        raise SpecError(f"within must be a non-negative integer of ticks, got {within}")
    _check_trials("coincidence", math.comb(lines, least) * (within + 1) ** least + math.comb(lines, least - 1))
    target = find_chip(chip)
    if within == 0:
        gate = _Neurons(partial(_enough, least=least), depths=[1] * lines, names=["coincidence"])
        return _positive("coincidence", _at_a_tick(lines, least), gate, delays={1}, chip=target)
    names = ["coincidence", "trigger", *(f"recent {line}" for line in range(lines))]
    enough = partial(_enough_lately, least=least, within=within)
    detector = _Neurons(enough, depths=[within + 2] * lines, names=names)
    streams = _nearly_together(lines, least, within=within)
    return _positive("coincidence", streams, detector, delays=range(1, within + 2), recurrent=True, chip=target)


def _nearly_together(lines: int, least: int, *, within: int) -> list[Raster]:
    """Return streams for a neuron that receives a trigger and, for each line, whether it spiked recently."""
    offsets = [ages for ages in itertools.product(range(within + 1), repeat=least) if min(ages) == 0]
    groups = itertools.combinations(range(lines), least)
    together = [
        [(within - age, line) for age, line in zip(ages, group, strict=True)]
        for group, ages in itertools.product(groups, offsets)
    ]
    trials = [*together, *([(0, line)] for line in range(lines))]
    everyone = range(lines)
    silent = [((line,), within + 1) for line in everyone] + [(tuple(everyone), 1)]
    silent += [(group, within + 1) for group in itertools.combinations(everyone, lines - least + 1)]
    ticks = 2 * within + 5
    return [stream_of(trial, ticks, lines=lines) for trial in trials] + [pauses(silent, lines, spacing=ticks)]


def _enough_lately(stream: Raster, least: int, within: int) -> Raster:
    """Return what the detector, its trigger and the neurons of its lines do."""
    lately = delayed(recent(stream, within), 1)
    trigger = delayed(stream, 1).any(axis=1, keepdims=True)
    enough = lately.sum(axis=1, keepdims=True) >= least
    return np.concatenate([delayed(trigger & enough, 1), trigger, lately], axis=1)


def _at_a_tick(lines: int, least: int) -> list[Raster]:
    """Return the stream for a neuron that fires after a tick at which at least some of its lines spiked."""
    groups = [group for size in (least - 1, least) for group in itertools.combinations(range(lines), size)]
    stream = stream_of(
        [(tick, line) for tick, group in enumerate(groups) for line in group], len(groups) + 1, lines=lines
    )
    return [stream]


def _enough(stream: Raster, least: int) -> Raster:
    """Return when a neuron fires that counts the lines of one tick."""
    return delayed(stream.sum(axis=1, keepdims=True) >= least, 1)


@call_checked
def sequence(
    steps: Sequence[int | Sequence[int] | None],
    *,
    lines: int | None = None,
    tolerance: int = 0,
    chip: str | Chip = "loihi1",
) -> Spec:
    """Return the spec of a sequence detector: it fires one tick after the last spike of a sequence, each time.

    It is exact on every stream: also with additional spikes and overlapping sequences.

    Parameters
    ----------
    steps : sequence of int, sequence of int, or None
        The spikes of each tick: a line, several lines, or any input (None, a gap). The first and the last are
        spikes.
    lines : int, optional
        Number of input lines; by default as many as the steps name.
    tolerance : int
        How many ticks the spikes may come early or late, measured from those of the last step; it must be shorter than
        the shortest way from them. If positive, there are more outputs: one per earlier line, in order, which
        fires as long as the line's spike counts.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If the steps are not a sequence, the tolerance is too long, there are too many combinations within it, or the
        chip's neurons remember or its delays are too short.
    """
    wanted = [_as_step(step) for step in steps]
    if not wanted or not wanted[0] or not wanted[-1]:
        raise SpecError(f"steps must begin and end with spikes, got {list(steps)}")
    known = 1 + max(itertools.chain(*wanted))
    lines = known if lines is None else as_integer("lines", lines)
    if lines < known:
        raise SpecError(f"steps must name lines 0 to {lines - 1}, got {known - 1}")
    if as_integer("tolerance", tolerance) < 0:
        raise SpecError(f"tolerance must be a non-negative integer of ticks, got {tolerance}")
    spikes = [(len(wanted) - 1 - tick, line) for tick, step in enumerate(wanted) for line in step]
    if tolerance == 0 or not any(wanted[:-1]):
        depths = [max((age + 1 for age, line in spikes if line == each), default=0) for each in range(lines)]
        one = _Neurons(partial(_together, spikes=tuple(spikes)), depths, names=["sequence"])
        delays = {age + 1 for age, _ in spikes}
        return _positive("sequence", _exact_sequence(spikes, lines), one, delays=delays, chip=find_chip(chip))
    streams = _tolerant_sequence(spikes, lines, tolerance=tolerance)
    reach = [(line, 1 if age == 0 else max(age + tolerance, 2 * tolerance) + 1) for age, line in spikes]
    depths = [max((back for line, back in reach if line == each), default=0) for each in range(lines)]
    names = ["sequence", *(f"recent {line}" for line in sorted({line for age, line in spikes if age > 0}))]
    several = _Neurons(partial(_in_time, spikes=tuple(spikes), tolerance=tolerance), depths, names)
    taps = {*range(1, 2 * tolerance + 2), *(age - tolerance for age, _ in spikes if age > 0)}
    return _positive("sequence", streams, several, delays=taps, recurrent=True, chip=find_chip(chip))


def _exact_sequence(spikes: Sequence[tuple[int, int]], lines: int) -> list[Raster]:
    """Return streams for one neuron that receives all spikes of a sequence at once, given as (age, line)."""
    longest = max(age for age, _ in spikes)
    once = stream_of([(longest - age, line) for age, line in spikes], longest + 2, lines=lines)
    dense = pauses([((line,), 1) for line in sorted({line for _, line in spikes})], lines, spacing=longest + 2)
    return [once, dense]


def _together(stream: Raster, spikes: Sequence[tuple[int, int]]) -> Raster:
    """Return when the neuron of a sequence without tolerance fires."""
    return _all_of([delayed(stream[:, line], age + 1) for age, line in spikes])


def _tolerant_sequence(spikes: Sequence[tuple[int, int]], lines: int, *, tolerance: int) -> list[Raster]:
    """Return streams for a neuron that receives the last spikes and whether the earlier ones came in time."""
    last, before = [spike for spike in spikes if spike[0] == 0], [spike for spike in spikes if spike[0] > 0]
    nearest, longest = min(age for age, _ in before), max(age for age, _ in before) + tolerance
    if tolerance >= nearest:
        raise SpecError(f"tolerance must be from 0 to {nearest - 1}, less than the last gap, got {tolerance}")
    width = 2 * tolerance + 1
    _check_trials("sequence", width ** len(before))
    heard = sorted({line for _, line in before})
    shifts = itertools.product(range(-tolerance, tolerance + 1), repeat=len(before))
    trials = [[*last, *((age + by, line) for (age, line), by in zip(before, shift, strict=True))] for shift in shifts]
    trials += [[(0, line)] for line in heard]
    ticks = longest + width + 2
    streams = [stream_of([(longest - age, line) for age, line in trial], ticks, lines=lines) for trial in trials]
    silent = [((line,), 1) for _, line in last] + [((line,), width) for line in heard]
    return [*streams, pauses(silent, lines, spacing=ticks)]


def _in_time(stream: Raster, spikes: Sequence[tuple[int, int]], tolerance: int) -> Raster:
    """Return what the neuron of a sequence with tolerance does, and those that remember its earlier lines."""
    last, before = [spike for spike in spikes if spike[0] == 0], [spike for spike in spikes if spike[0] > 0]
    heard = sorted({line for _, line in before})
    lately = delayed(recent(stream[:, heard], 2 * tolerance), 1)
    in_time = [delayed(lately[:, heard.index(line)], age - tolerance) for age, line in before]
    now = [delayed(stream[:, line], 1) for _, line in last]
    return np.concatenate([_all_of([*in_time, *now]), lately], axis=1)


def _all_of(lines: Sequence[Raster]) -> Raster:
    """Return (ticks, 1) where all of several (ticks,) spike."""
    together = np.ones_like(lines[0])
    for spikes in lines:
        together &= spikes
    return together[:, None]


@dataclass(frozen=True)
class _Neurons:
    """What neurons do, as a function of a stream, how many ticks back that depends on each line, and their names."""

    outputs: Callable[[Raster], Raster]
    depths: Sequence[int]
    names: Sequence[str]


def _positive(
    what: str,
    streams: Sequence[Raster],
    neurons: _Neurons,
    *,
    delays: Collection[int],
    chip: Chip,
    recurrent: bool = False,
) -> Spec:
    """Return a spec with neurons without memory and non-negative weights."""
    dynamics = no_memory(what, chip)
    check_delays(what, chip, delays=delays, advice="take fewer ticks, or another chip")
    patterns = [Pattern(stream, neurons.outputs(stream)) for stream in streams]
    n_inputs, n_outputs = patterns[0].inputs.shape[1], patterns[0].targets.shape[1]
    signs = (1,) * (n_inputs + (n_outputs if recurrent else 0))
    automaton = window_automaton(neurons.outputs, depths=neurons.depths, n_outputs=n_outputs)
    return Spec(
        patterns,
        delays,
        recurrent=recurrent,
        dynamics=dynamics,
        signs=signs,
        chip=chip,
        automaton=automaton,
        output_names=neurons.names,
    )


def _check_trials(name: str, trials: int) -> None:
    if trials > TRIAL_LIMIT:
        raise SpecError(f"{name} must have at most {TRIAL_LIMIT} combinations, got {trials}; take fewer lines or ticks")


def _as_step(step: object) -> tuple[int, ...]:
    listed = () if step is None else tuple(step) if isinstance(step, Iterable) else (step,)
    named = tuple(as_integer("line of a step", line) for line in listed)
    if any(line < 0 for line in named) or (step is not None and not named):
        raise SpecError(f"steps must be lines (non-negative) or None for a gap, got {step!r}")
    return named
