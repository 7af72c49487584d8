"""Proofs for detectors without memory: every window of input spikes, by cases, and induction over ticks.

Delay lines and detectors depend on the spikes of the last ticks alone, but a window of n bins has 2^n values. Most bins
do not matter once others are known: an output is decided as soon as the bounds of its potential lie on one side of the
threshold, whatever the other bins are. So bins are only split into cases, spike or silence, where an output is open.

The required outputs must be monotone (`snnprog.automata.steps.WindowStep`): then they are known where they agree for
all open bins silent and all open bins spiking. Registers have any values that they can reach.

At the first tick with a wrong output, all outputs were right before. So where a neuron hears an output, it hears what
is required of that output, which is a function of the window, too; other neurons are followed to their inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnprog.automata.automaton import Automaton, Monitor
from snnprog.automata.steps import WindowStep
from snnprog.exploration.merging import can_be_merged
from snnprog.exploration.spans import values_until_firing
from snnprog.exploration.ticking import ProgramTicks
from snnprog.rules.ranges import Span
from snnprog.rules.rule import SPIKES

MOST_CASES = 1 << 16
"""The most cases that are tried: half a minute. A choice."""

Bin = tuple[int, int]
"""An input line, and how many ticks ago."""

Ends = tuple[int, int]
"""The least and the greatest value; of a spike, (0, 1) if it is open."""

OPEN: Ends = (0, 1)


@dataclass(frozen=True)
class WindowSynapse:
    """A synapse as its neuron hears it."""

    line: int
    delay: int
    weight: int


class WindowCases:
    """A program, and the required outputs as a function of the last input spikes.

    Attributes
    ----------
    cases : int
        The cases that were decided.
    is_proved : bool
        Whether the outputs are right in every case.
    """

    def __init__(self, ticks: ProgramTicks, step: WindowStep) -> None:
        self.ticks, self.step = ticks, step
        self.cases, self.is_proved = 0, False
        program, synapses = ticks.program, ticks.synapses
        self._heard: list[list[WindowSynapse]] = [[] for _ in range(program.n_neurons)]
        for pre, post, delay, weight in zip(
            *(each.tolist() for each in (synapses.pre, synapses.post, synapses.delay, synapses.effective_weight)),
            strict=True,
        ):
            self._heard[post].append(WindowSynapse(pre, delay, weight))
        self._outputs = {int(neuron): output for output, neuron in enumerate(program.outputs)}
        self._fires: dict[tuple[int, Ends], Ends] = {}
        self._requirements: dict[frozenset[tuple[Bin, int]], list[Ends]] = {}

    def explore(self) -> None:
        """Try all cases, until one is wrong or there are too many."""
        if self._has_loops() or not self._is_silent_at_rest():
            return
        self.is_proved = all(self._is_right(output) for output in range(self.ticks.program.n_outputs))

    def _is_right(self, output: int) -> bool:
        neuron, waiting = int(self.ticks.program.outputs[output]), [dict[Bin, int]()]
        while waiting:
            known = waiting.pop()
            found = self._spike(neuron, 0, known)
            wanted = self._required(output, 0, known)
            if found == wanted != OPEN:
                self.cases += 1
                continue
            if OPEN not in (found, wanted) or self.cases + len(waiting) > MOST_CASES:
                return False
            split = self._open_bin(neuron, 0, known) if found == OPEN else self._deciding(output, 0, known)
            if split is None:
                return False
            waiting += [{**known, split: 0}, {**known, split: 1}]
        return True

    def _required(self, output: int, age: int, known: Mapping[Bin, int]) -> Ends:
        """Return what an output had to do some ticks ago, open where it depends on open bins."""
        depths = self.step.depths
        window = {(line, at - age): bit for (line, at), bit in known.items() if 0 < at - age <= depths[line]}
        key = frozenset(window.items())
        if key not in self._requirements:
            ends = [self._all_required(window, otherwise) for otherwise in (0, 1)]
            self._requirements[key] = list(zip(*ends, strict=True))
        return self._requirements[key][output]

    def _all_required(self, window: Mapping[Bin, int], otherwise: int) -> list[int]:
        """Return what all outputs must do after a window, with one value for all open bins."""
        depths, longest = self.step.depths, max(self.step.depths)
        stream = np.zeros((longest + 1, len(depths)), np.bool_)
        for line, depth in enumerate(depths):
            stream[longest - depth : longest, line] = otherwise
        for (line, age), bit in window.items():
            stream[longest - age, line] = bit
        return [int(each) for each in self.step.outputs(stream)[-1]]

    def _spike(self, neuron: int, age: int, known: Mapping[Bin, int]) -> Ends:
        """Return whether a neuron spiked some ticks ago."""
        low = high = 0
        for each in self._heard[neuron]:
            ends = sorted(each.weight * end for end in self._sent(each, age, known))
            low, high = low + ends[0], high + ends[1]
        if (neuron, (low, high)) not in self._fires:
            self._fires[neuron, (low, high)] = self._fired(neuron, (low, high))
        return self._fires[neuron, (low, high)]

    def _sent(self, heard: WindowSynapse, age: int, known: Mapping[Bin, int]) -> Ends:
        """Return whether a line sent the spike that a synapse brings."""
        neuron, sent = heard.line - self.ticks.program.n_inputs, age + heard.delay
        if neuron in self._outputs:
            return self._required(self._outputs[neuron], sent, known)
        if neuron >= 0:
            return self._spike(neuron, sent, known)
        bit = known.get((heard.line, sent))
        return OPEN if bit is None else (bit, bit)

    def _fired(self, neuron: int, arriving: Ends) -> Ends:
        """Return whether a neuron spikes, from any state that it can reach."""
        rule = self.ticks.rule
        spans = {**self.ticks.reach, **{name: Span.of(each) for name, each in self.ticks.parameters.items()}}
        values = {name: _at(span, neuron) for name, span in spans.items()}
        fired = values_until_firing(rule, values, Span(*map(np.asarray, arriving)))[SPIKES]
        return fired.least, fired.greatest

    def _open_bin(self, neuron: int, age: int, known: Mapping[Bin, int]) -> Bin | None:
        """Return an open bin that a neuron's spike depends on: the one with the greatest weight."""
        for each in sorted(self._heard[neuron], key=lambda heard: -abs(heard.weight)):
            if self._sent(each, age, known) != OPEN:
                continue
            heard, sent = each.line - self.ticks.program.n_inputs, age + each.delay
            if heard < 0:
                return each.line, sent
            if heard in self._outputs:
                return self._deciding(self._outputs[heard], sent, known)
            found = self._open_bin(heard, sent, known)
            if found is not None:
                return found
        return None

    def _deciding(self, output: int, age: int, known: Mapping[Bin, int]) -> Bin | None:
        """Return an open bin of which a value decides what an output had to do some ticks ago, or any open bin."""
        depths = self.step.depths
        bins = [(line, age + at) for line, depth in enumerate(depths) for at in range(1, depth + 1)]
        left = [each for each in bins if each not in known]
        for each in left:
            if any(self._required(output, age, {**known, each: bit}) != OPEN for bit in (0, 1)):
                return each
        return left[0] if left else None

    def _has_loops(self) -> bool:
        """Return whether spikes of a neuron can come back to it, other than through an output."""
        inputs, left = self.ticks.program.n_inputs, set(range(self.ticks.program.n_neurons)) - self._outputs.keys()
        while left:
            first = {n for n in left if all(each.line - inputs not in left for each in self._heard[n])}
            if not first:
                return True
            left -= first
        return False

    def _is_silent_at_rest(self) -> bool:
        """Return whether nothing spikes without arrivals: ticks before the first are like ticks of silence."""
        is_required = any(self._all_required({}, 0))
        return not is_required and all(
            self._fired(neuron, (0, 0)) == (0, 0) for neuron in range(self.ticks.program.n_neurons)
        )


def windows_of(ticks: ProgramTicks, monitor: Monitor) -> WindowCases | None:
    """Return the windows of a program and an automaton, or None if they are not of this kind."""
    if not (can_be_merged(ticks) and isinstance(monitor, Automaton)):
        return None
    step = monitor.step
    return WindowCases(ticks, step) if isinstance(step, WindowStep) and step.is_monotone else None


def _at(span: Span, neuron: int) -> Span:
    """Return the span of one neuron."""
    low, high = (np.atleast_1d(end) for end in (span.low, span.high))
    chosen = neuron if low.size > 1 else 0
    return Span(low[chosen], high[chosen])
