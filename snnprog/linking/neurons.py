"""The program of a system: all neurons of its parts, with their synapses led to the lines that drive them.

A spike of an output at tick t is an input spike of the reader at tick t, so a synapse of the reader's line becomes a
synapse of the driving neuron, with the same delay. Further ticks are added to that delay, or spent in relays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from snnprog.arrays import Int64s
from snnprog.linking.plan import SYSTEM, Joint, Plan, Source
from snnprog.linking.relays import Relay, relay_of
from snnprog.program import BY_SPIKES, NEURON_ARRAYS, SYNAPSE_ARRAYS, Program
from snnprog.program_file import READOUT
from snnprog.synapses import EXCITATORY, INHIBITORY, SharedSynapses

Arrays = dict[str, Int64s]


class Wired:
    """The neurons and synapses of a system, as lines are numbered in it: inputs, parts in order, then relays.

    Attributes
    ----------
    neurons : arrays by name, each (neurons,) int
        Those of `NEURON_ARRAYS`, and the readout.
    synapses : arrays by name, each (synapses,) int
        Those of `SYNAPSE_ARRAYS`.
    shared : list of SharedSynapses
        Convolutions whose lines are still neighbours.
    outputs : (outputs,) int
        The neurons that are the system's outputs, in order.
    """

    def __init__(self, programs: Sequence[Program], plan: Plan, *, exponent: int) -> None:
        self.programs, self.plan = programs, plan
        self.chip, self.n_inputs = programs[0].chip, len(plan.input_names)
        self.first = np.cumsum([0, *(program.n_neurons for program in programs)])
        self._exponent = exponent
        self._relays: dict[tuple[Source, int], int] = {}
        self._relay_synapses: list[dict[str, int]] = []
        self.shared: list[SharedSynapses] = []
        names = (*NEURON_ARRAYS, READOUT)
        listed = [self._synapses_of(part) for part in range(len(programs))]
        self.outputs = np.array([self._line_of(joint) - self.n_inputs for joint in plan.outputs], np.int64)
        relays = [self._relay_arrays()] * len(self._relays)
        own = [{name: getattr(program, name) for name in names} for program in programs]
        self.neurons: Arrays = {name: np.concatenate([each[name] for each in (*own, *relays)]) for name in names}
        listed += [{name: np.array([each[name]]) for name in SYNAPSE_ARRAYS} for each in self._relay_synapses]
        self.synapses: Arrays = {name: np.concatenate([each[name] for each in listed]) for name in SYNAPSE_ARRAYS}

    @property
    def n_neurons(self) -> int:
        """Number of neurons, relays included."""
        return int(self.neurons["threshold"].size)

    @property
    def n_relays(self) -> int:
        """Number of relays."""
        return len(self._relays)

    def line_of(self, source: Source) -> int:
        """Return the line of an input of the system, or of a part's output."""
        if source.part == SYSTEM:
            return source.index
        neuron = self.programs[source.part].outputs[source.index]
        return int(self.n_inputs + self.first[source.part] + neuron)

    def _synapses_of(self, part: int) -> Arrays:
        """Return the synapses of a part that are listed; keep its convolutions where they can be kept."""
        program, table = self.programs[part], self.programs[part].synapses
        kept = [self._moved(part, each) for each in table.shared]
        self.shared += [each for each in kept if each is not None]
        unrolled = tuple(each for each, is_kept in zip(table.shared, kept, strict=True) if is_kept is None)
        arrays = {name: array.astype(np.int64) for name, array in replace(table, shared=unrolled).whole.items()}
        is_input = arrays["pre"] < program.n_inputs
        lines, ticks = arrays["pre"][is_input], arrays["delay"][is_input]
        arrays["pre"] += int(self.first[part]) + self.n_inputs - program.n_inputs
        arrays["post"] += int(self.first[part])
        arrays["pre"][is_input], arrays["delay"][is_input] = self._led(part, lines, ticks)
        return arrays

    def _led(self, part: int, lines: Int64s, delays: Int64s) -> tuple[Int64s, Int64s]:
        """Return what drives synapses of a part's input lines, and their delays from there."""
        joints = self.plan.lines[part]
        pre = np.array([self.line_of(joint.source) for joint in joints], np.int64)[lines]
        ticks = np.array([joint.further for joint in joints], np.int64)[lines] + delays
        far = np.flatnonzero(ticks > self.chip.delays[1])
        for synapse in far.tolist():
            source = joints[lines[synapse]].source
            pre[synapse], ticks[synapse] = self._reached(source, int(ticks[synapse]))
        return pre, ticks

    def _moved(self, part: int, each: SharedSynapses) -> SharedSynapses | None:
        """Return a convolution on the lines of the system; None if its lines are not consecutive there."""
        program = self.programs[part]
        post = each.first_post + int(self.first[part])
        lines = range(each.first_pre, each.first_pre + each.convolution.n_sources)
        if lines[0] >= program.n_inputs:
            pre = each.first_pre + int(self.first[part]) + self.n_inputs - program.n_inputs
            return replace(each, first_pre=pre, first_post=post)
        if lines[-1] >= program.n_inputs:
            return None
        joints = [self.plan.lines[part][line] for line in lines]
        places = [self.line_of(joint.source) for joint in joints]
        further = {joint.further for joint in joints}
        longest = int(each.delay.max(initial=1)) + max(further)
        if len(further) > 1 or places != list(range(places[0], places[0] + len(places))):
            return None
        if longest > self.chip.delays[1]:
            return None
        return replace(each, first_pre=places[0], first_post=post, delay=each.delay + further.pop())

    def _reached(self, source: Source, ticks: int) -> tuple[int, int]:
        """Return the line and the delay of a synapse that acts some ticks after a spike of a source."""
        longest = self.chip.delays[1]
        spent = (ticks - 1) // longest * longest
        return self._line_of(Joint(source, spent)), ticks - spent

    def _line_of(self, joint: Joint) -> int:
        """Return the line that repeats a source some ticks later: its own, or that of a relay."""
        line, longest, before = self.line_of(joint.source), self.chip.delays[1], 0
        for further in (*range(longest, joint.further, longest), joint.further) if joint.further else ():
            key = joint.source, further
            if key not in self._relays:
                self._relays[key] = int(self.first[-1]) + len(self._relays)
                self._add_relay(self._relays[key], pre=line, delay=further - before)
            line, before = self.n_inputs + self._relays[key], further
        return line

    def _add_relay(self, neuron: int, *, pre: int, delay: int) -> None:
        relay = relay_of(self.chip, self._exponent)
        common = {"post": neuron, "exponent": relay.exponent}
        self._relay_synapses.append(
            common | {"pre": pre, "delay": delay, "weight": relay.weight, "sign_mode": EXCITATORY}
        )
        if relay.back:
            own = {"pre": self.n_inputs + neuron, "delay": 1, "weight": relay.back, "sign_mode": INHIBITORY}
            self._relay_synapses.append(common | own)

    def _relay_arrays(self) -> Arrays:
        """Return the arrays of one relay."""
        relay: Relay = relay_of(self.chip, self._exponent) if self._relays else Relay(0, 0, 0, 0, 0, 0)
        values = {
            "threshold": relay.threshold,
            "current_decay": relay.current_decay,
            "potential_decay": relay.potential_decay,
            "bias": 0,
            "refractory": self.chip.refractory[0],
            READOUT: BY_SPIKES,
        }
        return {name: np.array([value]) for name, value in values.items()}
