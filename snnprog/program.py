"""The compiled program: a chip's integers, the rule that defines them, and their origin.

Synapse s carries a spike of ``pre[s]`` at tick t to neuron ``post[s]`` at tick ``t + delay[s]``, where it adds
``weight[s] << exponent[s]``. ``pre < n_inputs`` is an input line, any other is neuron ``pre - n_inputs``. The sign
mode is the format of the weight: one-sided formats have steps of 1, the mixed format has the chip's step.

Synapses are listed, or belong to convolutions with shared weights (`snnprog.synapses`); the arrays include both.

`snnprog.program_file` defines the file format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Bools, Int32s
from snnprog.calls import call_checked
from snnprog.checks import as_int32, as_integers, as_path, spread
from snnprog.chips import Chip, Wiring, find_chip
from snnprog.display import pictures
from snnprog.display.card import Card, Displayed, Picture
from snnprog.documents import as_plain
from snnprog.errors import FormatError, LimitError, SpecError
from snnprog.names import INPUT_NAMES, NEURON_NAMES, Names, as_names, listed
from snnprog.program_checks import (
    BY_POTENTIAL,
    BY_SPIKES,
    as_count,
    check_cores,
    check_neurons,
    check_outputs,
    check_readout,
)
from snnprog.program_file import (
    ARRAYS,
    CORE,
    NEURON_ARRAYS,
    READOUT,
    Content,
    check_is_program,
    read_program,
    write_program,
)
from snnprog.program_names import NamedLines
from snnprog.synapses import (
    EXCITATORY,
    INHIBITORY,
    MIXED,
    SIGN_MODES,
    SYNAPSE_ARRAYS,
    SharedSynapses,
    SynapseArrays,
    SynapseTable,
)
from snnprog.wording import counted

__all__ = [
    "ARRAYS",
    "BY_POTENTIAL",
    "BY_SPIKES",
    "EXCITATORY",
    "INHIBITORY",
    "MIXED",
    "NEURON_ARRAYS",
    "SIGN_MODES",
    "SYNAPSE_ARRAYS",
    "Program",
    "load",
]


@call_checked
@dataclass(frozen=True, eq=False, init=False, repr=False)
class Program(SynapseArrays, NamedLines, Displayed):
    """A program: integers that a chip runs. `compile`, `from_arrays` and `load` create one.

    `dataclasses.replace` makes a copy with other arrays of neurons, `with_synapses` one with other synapses.

    Attributes
    ----------
    chip : Chip
        The chip that defines the integers and the rule.
    n_inputs, n_neurons : int
        Numbers of input lines and of neurons.
    outputs : (outputs,) int32
        The neurons that are read out, in order.
    synapses : SynapseTable
        The synapses as they are stored: listed ones, and convolutions.
    threshold, current_decay, potential_decay, bias : (neurons,) int32
        Threshold mantissa (in units of `Rule.unit`: 64 units of the potential on Loihi), the two
        decays, and the effective bias in units of the potential.
    refractory : (neurons,) int32
        Refractory period in ticks: after a spike at tick t the potential is 0 until tick t + refractory, and integrates
        from then on; 1 (the default) for a neuron that may spike at every tick.
    core : (neurons,) int32 or None
        The core of each neuron, numbered from 0 without gaps; it does not change spikes. None if the program was
        not placed, or fits on one core. See `place`.
    readout : (neurons,) int32
        How a neuron is read where it is an output: 0 by its spikes, 1 by its potential after each tick. In the second
        case it never spikes: it has the chip's highest threshold and feeds no neuron, and a run in which it reaches
        the threshold is an error.
    input_names, neuron_names : tuple of str or None
        Names of the input lines and of the neurons, if they have any; see `snnprog.names`.
    provenance : dict
        The origin of the program: spec digest, versions, seed, status and margin of each neuron.

    Raises
    ------
    SpecError
        If the sizes of arrays do not match, or names are not valid.
    LimitError
        If a value is outside the chip's range.
    """

    chip: Chip
    n_inputs: int
    n_neurons: int
    outputs: Int32s
    synapses: SynapseTable
    threshold: Int32s
    current_decay: Int32s
    potential_decay: Int32s
    bias: Int32s
    refractory: Int32s
    core: Int32s | None
    readout: Int32s
    provenance: Mapping[str, object]
    input_names: Names | None
    neuron_names: Names | None

    def __init__(
        self,
        *,
        chip: str | Chip,
        n_inputs: int,
        n_neurons: int,
        outputs: ArrayLike,
        threshold: ArrayLike,
        current_decay: ArrayLike,
        potential_decay: ArrayLike,
        bias: ArrayLike,
        refractory: ArrayLike,
        core: ArrayLike | None = None,
        readout: ArrayLike | None = None,
        provenance: Mapping[str, object] | None = None,
        synapses: SynapseTable | None = None,
        input_names: Sequence[str] | None = None,
        neuron_names: Sequence[str] | None = None,
        **arrays: ArrayLike,
    ) -> None:
        """Make a program from all arrays; `from_arrays` has defaults.

        Parameters
        ----------
        arrays
            The six of `SYNAPSE_ARRAYS`; if ``synapses`` is given, the ones to replace.
        """
        count = as_count("n_neurons", n_neurons, least=1)
        neurons = zip(NEURON_ARRAYS, (threshold, current_decay, potential_decay, bias, refractory), strict=True)
        values = {
            "chip": find_chip(chip),
            "n_inputs": as_count("n_inputs", n_inputs, least=0),
            "n_neurons": count,
            "outputs": as_int32("outputs", outputs),
            "synapses": SynapseTable.of(arrays, of=synapses),
            **{name: as_int32(name, array) for name, array in neurons},
            CORE: None if core is None else as_int32(CORE, core),
            READOUT: as_int32(READOUT, np.zeros(count, np.int32) if readout is None else readout),
            "provenance": as_plain("provenance", provenance or {}),
            INPUT_NAMES: as_names(INPUT_NAMES, input_names, n_inputs, may_be_joined=True),
            NEURON_NAMES: as_names(NEURON_NAMES, neuron_names, count, may_be_joined=True),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()

    @classmethod
    def from_arrays(
        cls,
        *,
        chip: str | Chip,
        n_inputs: int,
        n_neurons: int,
        threshold: ArrayLike,
        pre: ArrayLike = (),
        post: ArrayLike = (),
        weight: ArrayLike = (),
        outputs: ArrayLike | None = None,
        delay: ArrayLike = 1,
        exponent: ArrayLike = 0,
        sign_mode: ArrayLike | None = None,
        current_decay: ArrayLike | None = None,
        potential_decay: ArrayLike | None = None,
        bias: ArrayLike = 0,
        refractory: ArrayLike = 1,
        core: ArrayLike | None = None,
        readout: ArrayLike = BY_SPIKES,
        provenance: Mapping[str, object] | None = None,
        shared: Sequence[SharedSynapses] = (),
        input_names: Sequence[str] | None = None,
        neuron_names: Sequence[str] | None = None,
    ) -> Program:
        """Make a program from chip integers.

        Wherever a list with one integer per synapse or per neuron is expected, a single integer applies to all of them.
        The number of listed synapses is the length of the lists; 1 if all are single integers, 0 if none is given.

        Parameters
        ----------
        chip : str or Chip
            The chip: the name of a registered chip, or a `Chip`.
        n_inputs, n_neurons
            As in `Program`.
        threshold : (neurons,) int or int
            Threshold mantissas.
        pre, post : (synapses,) int or int
            ``pre`` below ``n_inputs`` is an input line, any other neuron ``pre - n_inputs``.
        weight : (synapses,) int or int
            Weight mantissas.
        outputs : (outputs,) int, optional
            The neurons to read out, in order; all neurons by default.
        delay : (synapses,) int or int
            In ticks; 1 by default.
        exponent : (synapses,) int or int
            Number of bits that weights are shifted left by; 0 by default.
        sign_mode : (synapses,) int or int, optional
            1 mixed, 2 excitatory, 3 inhibitory. By default each weight has a one-sided format: negative ones the
            inhibitory format, all others the excitatory one.
        current_decay, potential_decay : (neurons,) int or int, optional
            By default those of ``Chip.usual_decays``: 4095 and 205 on Loihi (no synaptic current remains at the next
            tick, 5 % of the potential leaks), 1 and 4 on Xylo.
        bias : (neurons,) int or int
            0 by default.
        refractory : (neurons,) int or int
            As in `Program`; 1 by default: every neuron may spike at every tick.
        core : (neurons,) int, optional
            As in `Program`: the ``core_of`` of a `Placement`.
        readout : (neurons,) int or int
            As in `Program`; 0 by default: all neurons are read by their spikes.
        provenance : mapping, optional
            The origin of the program, as plain data; empty by default.
        shared : sequence of SharedSynapses
            Convolutions, in addition to the listed synapses.
        input_names, neuron_names : sequence of str, optional
            As in `Program`; none by default.

        Raises
        ------
        SpecError, LimitError
            As `Program` does.
        """
        usual_current, usual_potential = (found := find_chip(chip)).usual_decays
        count = as_count("n_neurons", n_neurons, least=1)
        weights = as_integers("weight", weight if np.size(weight) else np.zeros(0, np.int32))
        modes = np.where(weights < 0, INHIBITORY, EXCITATORY) if sign_mode is None else sign_mode
        given = {"pre": pre, "post": post, "delay": delay, "weight": weights, "exponent": exponent}
        neurons = {
            "threshold": threshold,
            "current_decay": usual_current if current_decay is None else current_decay,
            "potential_decay": usual_potential if potential_decay is None else potential_decay,
            "bias": bias,
            "refractory": refractory,
            READOUT: readout,
        }
        return cls(
            chip=found,
            n_inputs=n_inputs,
            n_neurons=count,
            outputs=np.arange(count) if outputs is None else outputs,
            core=core,
            provenance=provenance,
            synapses=SynapseTable(**spread(given | {"sign_mode": modes}, otherwise=1), shared=tuple(shared)),
            input_names=input_names,
            neuron_names=neuron_names,
            **spread(neurons, otherwise=count),
        )

    def _check(self) -> None:
        check_outputs(self.outputs, n_neurons=self.n_neurons)
        check_neurons({name: getattr(self, name) for name in NEURON_ARRAYS}, self.chip, n_neurons=self.n_neurons)
        check_cores(self.core, self.chip, n_neurons=self.n_neurons)
        self.synapses.check(self.chip, n_lines=self.n_inputs + self.n_neurons, n_neurons=self.n_neurons)
        counts = {"n_inputs": self.n_inputs, "n_neurons": self.n_neurons}
        check_readout(self.readout, self.threshold, self.synapses, self.chip, **counts)
        if self.chip.layers is not None:  # unrolls convolutions
            synapses = self.pre, self.post, self.exponent
            self.chip.check_wiring(Wiring(self.n_inputs, self.n_neurons, self.outputs, *synapses))

    @property
    def is_read_by_potential(self) -> Bools:
        """Which outputs ``(outputs,)`` are read by their potential instead of their spikes."""
        found: Bools = self.readout[self.outputs] == BY_POTENTIAL
        return found

    @property
    def n_outputs(self) -> int:
        """Number of neurons that are read out."""
        return int(self.outputs.size)

    def with_synapses(self, **arrays: ArrayLike) -> Program:
        """Return a copy with some of the six synapse arrays replaced; convolutions are unrolled.

        Raises
        ------
        SpecError, LimitError
            As `Program` does.
        """
        return replace(self, synapses=self.synapses.with_arrays(arrays))

    def unrolled(self) -> Program:
        """Return the same program with every synapse listed: convolutions are unrolled."""
        return replace(self, synapses=self.synapses.with_arrays({})) if self.shared else self

    @property
    def has_refractory(self) -> bool:
        """Whether any neuron has a refractory period of more than 1 tick."""
        return bool((self.refractory > 1).any())

    def _summary(self) -> str:
        ends = f"{counted(self.n_inputs, 'input')}, {counted(self.n_neurons, 'neuron')} ({self.n_outputs} read out)"
        return f"{ends}, {counted(self.n_synapses, 'synapse')}, {self.chip.name}"

    def _card(self) -> Card:
        facts = [("rule", self.chip.rule.name), ("convolutions", len(self.shared) or None)]
        named = {"inputs": self.input_names, "outputs": self.output_names}
        facts += [(label, None if names is None else listed(names)) for label, names in named.items()]
        facts += [("cores", None if self.core is None else int(self.core.max()) + 1)]
        facts += [("spec (sha256)", str(self.provenance.get("spec_sha256", ""))[:16] or None)]
        table, size = self.synapses, (self.n_neurons, self.n_inputs + self.n_neurons)
        if (table.pre < self.n_inputs).all():
            size = self.n_neurons, self.n_inputs
        added = table.weight.astype(np.int64) << table.exponent
        drawn = pictures.connections(table.pre, table.post, added=added, size=size, label="weights by line and neuron")
        lines = "input lines" if size[1] == self.n_inputs else "input lines, then neurons,"
        caption = f"weights: neurons from top to bottom, {lines} from left to right; blue is positive"
        shown = [Picture(drawn, caption)] if table.pre.size else []
        return Card(facts=[(name, value) for name, value in facts if value is not None], pictures=shown)

    def save(self, path: str | Path) -> None:
        """Write the program file, atomically; equal programs give equal bytes.

        Raises
        ------
        FormatError
            If the path does not end in .snnp, or the file cannot be written.
        """
        arrays = {name: getattr(self, name) for name in ("outputs", *NEURON_ARRAYS)}
        arrays |= {name: getattr(self.synapses, name) for name in SYNAPSE_ARRAYS}
        arrays |= {} if self.core is None else {CORE: self.core}
        arrays |= {READOUT: self.readout} if self.readout.any() else {}
        content = Content(
            chip=self.chip,
            n_inputs=self.n_inputs,
            n_neurons=self.n_neurons,
            n_synapses=self.n_synapses,
            provenance=self.provenance,
            arrays=arrays,
            shared=self.shared,
            input_names=self.input_names,
            neuron_names=self.neuron_names,
        )
        write_program(as_path("path", path), content)


@call_checked
def load(path: str | Path) -> Program:
    """Read a program file, checking everything.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of another version or rule, or holds values that the chip does not have.
    """
    path = as_path("path", path)
    check_is_program(path)
    content = read_program(path)
    try:
        program = Program.from_arrays(
            chip=content.chip,
            n_inputs=content.n_inputs,
            n_neurons=content.n_neurons,
            provenance=content.provenance,
            shared=content.shared,
            input_names=content.input_names,
            neuron_names=content.neuron_names,
            **content.arrays,
        )
    except (SpecError, LimitError) as error:
        raise FormatError(f"{path} holds no valid program: {error}") from error
    if program.n_synapses != content.n_synapses:
        raise FormatError(f"{path} declares {content.n_synapses} synapses and holds {program.n_synapses}")
    return program
