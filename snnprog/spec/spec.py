"""The spec: its options, checked against each other and against the ranges of the chip."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from snnprog.arrays import Bools, Raster
from snnprog.automata import Automaton
from snnprog.calls import call_checked
from snnprog.checks import check_type
from snnprog.chips import Chip, find_chip, is_built_in
from snnprog.chips.data import chip_to_data
from snnprog.display.card import Card, Displayed
from snnprog.errors import SpecError
from snnprog.names import HIDDEN_NAMES, INPUT_NAMES, OUTPUT_NAMES, Names, as_names, labelled, listed
from snnprog.rules.linear import LinearRule
from snnprog.spec.dynamics import DECAYS, Dynamics
from snnprog.spec.mantissas import Mantissas
from snnprog.spec.options import FREE, NO_WINDOW, OPTIONS, as_delays
from snnprog.spec.pattern import Pattern, as_patterns, drawn
from snnprog.spec.robust import Robust
from snnprog.wording import counted, runs_of


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Spec(Displayed):
    """A specification: patterns of input and target spikes, and the options of the network that realises them.

    Parameters
    ----------
    patterns : sequence of Pattern
        At least one; all with the same numbers of inputs and outputs.
    delays : iterable of int
        The axonal delays in ticks that every synapse may use, several at once; 1 to 63 on Loihi 1.
    recurrent : bool
        Whether outputs feed outputs, over the same delays.
    dynamics : Dynamics
        The decays of every neuron; the chip's default decays by default.
    signs : sequence of int, optional
        Per input (and then, if recurrent, per output): +1 excitatory, -1 inhibitory, 0 either.
    bias : int or "free"
        Added to the potential every tick, in its units (weights count 64 of them).
    threshold : int or "free"
        The threshold mantissa; a neuron fires when its potential exceeds 64 times that.
    weight_bits : int, optional
        The width of every weight mantissa with its sign, 1 to 8: ±1 for 1 bit (without 0 for active synapses, unless
        few synapses or hidden neurons are allowed), 0 and ±1 for 2, up to ``±(2**(bits - 1) - 1)`` for more. By
        default the chip's width.
    weight_limit : int, optional
        The maximum magnitude of a weight mantissa; the chip's by default.
    chip : str or Chip
        The target chip: the name of a registered chip, or a `Chip`. The attribute is the `Chip`.
    noise : float
        LSBs of noise that every output must tolerate: its spikes stay the same if any value of up to this magnitude is
        added to the potential at each comparison with the threshold (the noise is not integrated).
    sparse : bool
        Whether to minimise the number of synapses of each output.
    fan_in : int, optional
        Maximum number of synapses of an output or a hidden neuron; by default the number of taps.
    window : pair of int
        How many ticks before and after its target tick a spike may fall; the compiler chooses.
    hidden : int or "auto"
        Maximum number of hidden neurons, which are added where an output is infeasible without them; "auto" sets no
        maximum. They have the dynamics, delays, threshold, bias and refractory period of the outputs.
    refractory : int
        The refractory period of every neuron, in ticks: after a spike at tick t its potential is 0 until tick
        ``t + refractory``, when it can spike again; 1 to 63 on Loihi, and 1 (a spike at every tick) on Xylo.
    robust : Robust, optional
        Errors of the input spikes and of the weights under which every output must stay exact; a table of the
        parameters of `Robust` is accepted, too.
    automaton : Automaton, optional
        What the outputs must do on every input stream; see `snnprog.prove`. Compiling does not use it.
    input_names, output_names : sequence of str, optional
        Names of the input lines and of the outputs, for messages, reports and exports; see `snnprog.names`. They change
        neither the program's integers nor the digest.
    hidden_names : sequence of str, optional
        Names of the first hidden neurons, if there are any; "hidden 0", "hidden 1", … by default. They require
        ``output_names``.

    Raises
    ------
    SpecError
        If options are inconsistent.
    LimitError
        If a value is outside the chip's range.
    """

    patterns: tuple[Pattern, ...]
    delays: tuple[int, ...]
    recurrent: bool
    dynamics: Dynamics
    signs: tuple[int, ...] | None
    bias: int | Literal["free"]
    threshold: int | Literal["free"]
    weight_bits: int | None
    weight_limit: int | None
    chip: Chip
    noise: float
    sparse: bool
    fan_in: int | None
    window: tuple[int, int]
    hidden: int | Literal["auto"]
    refractory: int
    robust: Robust | None
    automaton: Automaton | None
    input_names: Names | None
    output_names: Names | None
    hidden_names: Names | None

    def __init__(
        self,
        patterns: Sequence[Pattern],
        delays: Iterable[int] = (1,),
        *,
        recurrent: bool = False,
        dynamics: Dynamics | None = None,
        signs: Sequence[int] | None = None,
        bias: int | Literal["free"] = 0,
        threshold: int | Literal["free"] = FREE,
        weight_bits: int | None = None,
        weight_limit: int | None = None,
        chip: str | Chip = "loihi1",
        noise: float = 0.0,
        sparse: bool = False,
        fan_in: int | None = None,
        window: Sequence[int] = NO_WINDOW,
        hidden: int | Literal["auto"] = 0,
        refractory: int = 1,
        robust: Robust | Mapping[str, object] | None = None,
        automaton: Automaton | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        hidden_names: Sequence[str] | None = None,
    ) -> None:
        given: dict[str, object] = locals()  # the options, by name
        chip = find_chip(chip)
        values: dict[str, object] = {
            "patterns": as_patterns(patterns),
            "delays": as_delays(delays),
            "dynamics": Dynamics.usual(chip) if dynamics is None else dynamics,
            "chip": chip,
            "automaton": automaton,
        }
        values |= {option.name: option.parse(given[option.name], chip) for option in OPTIONS}
        for name, value in values.items():
            object.__setattr__(self, name, value)
        counts = {INPUT_NAMES: self.n_inputs, OUTPUT_NAMES: self.n_outputs, HIDDEN_NAMES: None}
        for name, size in counts.items():
            object.__setattr__(self, name, as_names(name, given[name], size))
        self._check()

    def _check(self) -> None:
        if self.hidden_names is not None and not set(self.hidden_names).isdisjoint(
            self.output_names or self.hidden_names
        ):
            raise SpecError("hidden_names must differ from output_names, which must be given, too")
        if self.automaton is not None:
            check_type("automaton", self.automaton, kind=Automaton)
        if not isinstance(self.dynamics, Dynamics):
            raise SpecError(f"dynamics must be a Dynamics, got {self.dynamics!r}; {DECAYS}")
        for delay in self.delays:
            self.chip.check_range(
                "delay", delay, allowed=self.chip.delays, hint="counted from a spike to the tick at which it acts"
            )
        self.dynamics.check_fit(self.chip)
        if self.robust is not None:
            object.__setattr__(self, "robust", self.robust.on_lines(self.n_inputs, self.input_names))
        if self.signs is not None and len(self.signs) != self.n_presynaptic:
            raise SpecError(
                f"signs must have {self.n_presynaptic} entries, one per presynaptic neuron, got {len(self.signs)}"
            )

    @property
    def changed_options(self) -> dict[str, object]:
        """The options that are not at their default, by name."""
        values = {option.name: getattr(self, option.name) for option in OPTIONS}
        return {option.name: values[option.name] for option in OPTIONS if values[option.name] != option.default}

    @property
    def mantissas(self) -> Mantissas:
        """The allowed weight mantissas, of either sign."""
        limits = [self.chip.weight_limit] if self.weight_limit is None else [self.weight_limit]
        if self.weight_bits is not None:
            limits.append(max(1, (1 << (self.weight_bits - 1)) - 1))
        return Mantissas(min(limits), is_binary=self.weight_bits == 1 and not self.may_taps_be_absent)

    @property
    def may_taps_be_absent(self) -> bool:
        """Whether taps may have no synapse, so that weights of ±1 are not required on each.

        True where few synapses are requested, and where hidden neurons may be added, which add taps.
        """
        return self.sparse or self.fan_in is not None or (self.hidden != 0 and self.weight_bits == 1)

    @property
    def n_inputs(self) -> int:
        """Number of input lines."""
        return int(self.patterns[0].inputs.shape[1])

    @property
    def inputs(self) -> Raster:
        """(ticks of all patterns, inputs) Input spikes, patterns concatenated."""
        return np.concatenate([pattern.inputs for pattern in self.patterns])

    @property
    def targets(self) -> Raster:
        """(ticks of all patterns, outputs) Target spikes, patterns concatenated."""
        return np.concatenate([pattern.targets for pattern in self.patterns])

    @property
    def care(self) -> Raster:
        """(ticks of all patterns, outputs) Which bins count, patterns concatenated."""
        return np.concatenate([pattern.care for pattern in self.patterns])

    @property
    def n_outputs(self) -> int:
        """Number of output neurons."""
        return int(self.patterns[0].targets.shape[1])

    def output_label(self, output: int) -> str:
        """Return what messages call an output: "output 2", or with its name "output 2 (stop)"."""
        return labelled("output", output, self.output_names)

    @property
    def n_presynaptic(self) -> int:
        """Number of lines that synapses may leave from: inputs, then outputs if recurrent."""
        return self.n_inputs + (self.n_outputs if self.recurrent else 0)

    @cached_property
    def linear_rule(self) -> LinearRule:
        """Decays and reset of every neuron, from the chip's rule."""
        return self.chip.linear_rule(self.dynamics.current_decay, self.dynamics.potential_decay, self.refractory)

    def _summary(self) -> str:
        ends = f"{counted(self.n_inputs, 'input')} to {counted(self.n_outputs, 'output')}"
        ticks = sum(pattern.ticks for pattern in self.patterns)
        several = f"{counted(len(self.patterns), 'pattern')} of {counted(ticks, 'tick')}"
        in_all = " in all" if len(self.patterns) > 1 else ""
        delays = f"{'delay' if len(self.delays) == 1 else 'delays'} {runs_of(self.delays)}"
        options = "".join(f", {name} {_in_brief(value)}" for name, value in self.changed_options.items())
        return f"{ends}, {several}{in_all}, {delays}, {self.chip.name}{options}"

    def _card(self) -> Card:
        potential, current = self.dynamics.effective_time_constants(self.chip)
        facts: list[tuple[str, object]] = [
            ("time constants", f"potential {potential:.4g}, current {current:.4g} ticks")
        ]
        facts += [(name, _in_brief(value)) for name, value in self.changed_options.items()]
        named = {"inputs": self.input_names, "outputs": self.output_names}
        facts += [(label, listed(names)) for label, names in named.items() if names is not None]
        return Card(facts=facts, pictures=drawn(self.patterns))

    def digest(self) -> str:
        """Return the SHA-256 of the specification as 64 hexadecimal digits."""
        sha = hashlib.sha256()
        sha.update(json.dumps(self._settings(), sort_keys=True).encode("ascii"))
        for pattern in self.patterns:
            for raster in (pattern.inputs, pattern.targets, pattern.care):
                sha.update(repr(raster.shape).encode("ascii"))
                sha.update(np.packbits(raster).tobytes())
        return sha.hexdigest()

    def _settings(self) -> dict[str, object]:
        """Return all options; later options with their default value are omitted."""
        original = {option.name: getattr(self, option.name) for option in OPTIONS if option.is_original}
        changed = self.changed_options
        if self.robust is not None:
            changed["robust"] = self.robust.to_data()
        return (
            changed
            | original
            | {
                "delays": self.delays,
                "potential_decay": self.dynamics.potential_decay,
                "current_decay": self.dynamics.current_decay,
                "chip": self.chip.name if is_built_in(self.chip) else chip_to_data(self.chip),
            }
        )


def _in_brief(value: object) -> object:
    """Return an option's value; of a list of signs, how many there are of each."""
    if isinstance(value, Robust):
        return f"({value})"
    if not isinstance(value, tuple) or len(value) <= 2:
        return value
    return ", ".join(f"{count} of {sign:+d}" for sign, count in sorted(Counter(value).items()))


def presynaptic_raster(spec: Spec, pattern: Pattern) -> Bools:
    """Return ``(ticks, n_presynaptic)``: the inputs, and the target spikes that are fed to others."""
    return np.concatenate([pattern.inputs, pattern.targets], axis=1) if spec.recurrent else pattern.inputs


def with_targets(spec: Spec, outputs: Iterable[int], raster: Raster) -> Spec:
    """Return the spec with ``raster`` (ticks of all patterns, outputs) as the targets of some outputs."""
    chosen, patterns, first = list(outputs), [], 0
    for pattern in spec.patterns:
        targets = pattern.targets.copy()
        targets[:, chosen] = raster[first : first + pattern.ticks]
        patterns.append(Pattern(pattern.inputs, targets, pattern.care))
        first += pattern.ticks
    return replace(spec, patterns=tuple(patterns))
