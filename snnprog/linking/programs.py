"""Programs joined to one program, which does exactly what they do when they run side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

from snnprog.arrays import Int64s
from snnprog.chips import Chip
from snnprog.errors import LimitError, SpecError
from snnprog.linking.layers import is_readout_only_capped, with_readouts, with_shared_exponents
from snnprog.linking.neurons import Wired
from snnprog.linking.once import spikes_once
from snnprog.linking.plan import SYSTEM, Plan, Source
from snnprog.names import COUNT_LIMIT, Names, made_names
from snnprog.program import Program
from snnprog.simulate.layout import lean_rule
from snnprog.synapses import SynapseTable
from snnprog.version import __version__
from snnprog.wording import in_words


def linked_program(parts: Mapping[str, Program], plan: Plan) -> Program:
    """Return the program of a system.

    Raises
    ------
    SpecError
        If the parts are for different chips, or an output that drives a wire is read by its potential or may spike
        several times in a tick.
    LimitError
        If the chip does not allow the connections.
    """
    _check_chips(parts)
    drivers = sorted({joint.source for joint in plan.joints if joint.source.part != SYSTEM})
    wired = {joint.source for lines in plan.lines for joint in lines}
    wired |= {joint.source for joint in plan.outputs if joint.further}
    _check_drivers(parts, [source for source in drivers if source in wired])
    programs = list(parts.values())
    chip = programs[0].chip
    joined = Wired(programs, plan, exponent=_relay_exponent(programs))
    neurons, synapses, outputs = joined.neurons, joined.synapses, joined.outputs
    if chip.is_readout_apart:
        neurons, synapses, outputs = with_readouts(neurons, synapses, outputs, n_inputs=joined.n_inputs)
    if chip.is_exponent_shared:
        synapses = with_shared_exponents(synapses, outputs, chip=chip)
    own: dict[str, Any] = dict(neurons)
    program = Program(
        chip=chip,
        n_inputs=joined.n_inputs,
        n_neurons=neurons["threshold"].size,
        outputs=outputs,
        synapses=replace(SynapseTable.of(synapses), shared=tuple(joined.shared)),
        provenance=_provenance(parts, plan, joined),
        input_names=plan.input_names if len(plan.input_names) <= COUNT_LIMIT else None,
        neuron_names=_neuron_names(parts, plan, outputs=outputs, n_neurons=neurons["threshold"].size),
        **own,
    )
    if not chip.rule.is_sum:
        _check_order(program, joined)
    return program


def _check_chips(parts: Mapping[str, Program]) -> None:
    (first, one), *others = parts.items()
    for name, program in others:
        if program.chip != one.chip:
            found = f"{one.chip.name} ({first}) and {program.chip.name} ({name})"
            if program.chip.name == one.chip.name:
                found = (
                    f"two chips {one.chip.name!r}, of {first} and {name}, that differ in {_differences(one, program)}"
                )
            raise SpecError(f"parts must be for the same chip, got {found}; compile them for one chip")


def _differences(one: Program, other: Program) -> str:
    """Return the fields in which the chips of two programs differ."""
    names = [each.name for each in fields(Chip) if getattr(one.chip, each.name) != getattr(other.chip, each.name)]
    return in_words(names)


def _check_drivers(parts: Mapping[str, Program], drivers: list[Source]) -> None:
    """Raise an error unless the spikes of outputs that drive wires are what a raster shows of them."""
    names, programs = list(parts), list(parts.values())
    for part, program in enumerate(programs):
        driving = [source.index for source in drivers if source.part == part]
        if not driving:
            continue
        by_potential = [output for output in driving if program.is_read_by_potential[output]]
        if by_potential:
            raise SpecError(
                f"output {by_potential[0]} of part {names[part]!r} is read by its potential and must not drive a wire;"
                " wire an output that is read by its spikes"
            )
        if not is_readout_only_capped(program.chip):
            raise SpecError(
                f"outputs on {program.chip.name} must not drive wires, because its rule treats neurons that are read"
                " out differently from others"
            )
        if not spikes_once(program, program.outputs[driving].tolist()):
            raise SpecError(
                f"outputs of part {names[part]!r} that drive wires must spike at most once in a tick when they feed"
                f" neurons on {program.chip.name}, which is not proved; raise their thresholds or lower their weights"
            )


def _relay_exponent(programs: list[Program]) -> int:
    """Return the exponent of relays' synapses: that of the hidden layer where a layer has one, else the least."""
    chip = programs[0].chip
    if not chip.is_exponent_shared:
        return chip.exponents[0]
    for program in programs:
        is_hidden = ~np.isin(program.post, program.outputs)
        if is_hidden.any():
            return int(program.exponent[is_hidden][0])
    return int(programs[0].exponent[0]) if programs[0].n_synapses else chip.exponents[0]


def _check_order(program: Program, joined: Wired) -> None:
    """Raise `LimitError` if events could be gathered in another order, with another result, than in a part."""
    if lean_rule(program).is_sum:
        return
    for part, (name, lines) in enumerate(zip(joined.plan.parts, joined.plan.lines, strict=True)):
        longest = program.chip.delays[1] - joined.programs[part].max_delay
        has_relay = any(joint.further > longest for joint in lines)
        places = [joined.line_of(joint.source) for joint in lines]
        rises = all(before < after for before, after in pairwise(places))
        if has_relay or not rises or max(places, default=0) >= joined.n_inputs + joined.first[part]:
            raise LimitError(
                f"the order of events at neurons of part {name!r}",
                "changed by wires",
                f"that of the part on {program.chip.name}, where a sum may saturate after each event",
                "put the part after those that drive it, or lower its weights",
            )


def _neuron_names(parts: Mapping[str, Program], plan: Plan, *, outputs: Int64s, n_neurons: int) -> list[str] | None:
    """Return names of all neurons: of outputs, of those of the parts, of relays and copies; None for too many."""
    if n_neurons > COUNT_LIMIT:
        return None
    names = [f"{part}.{name}" for part, program in parts.items() for name in _names_of(program)]
    own = len(names)
    names += [""] * (n_neurons - own)
    for output, name in zip(outputs.tolist(), plan.output_names, strict=True):
        if output >= own and name in names[:own]:  # a copy is read; the neuron that feeds is called otherwise
            names[names.index(name)] = ""
        names[output] = name
    for noun, some in (("feeding", range(own)), ("relay", range(own, n_neurons))):
        unnamed = [neuron for neuron in some if not names[neuron]]
        for neuron, name in zip(unnamed, made_names(noun, len(unnamed), taken=names), strict=True):
            names[neuron] = name
    return names


def _names_of(program: Program) -> Names:
    """Return the names of a part's neurons: its own, or "output 0" and "hidden 0"."""
    if program.neuron_names is not None:
        return program.neuron_names
    hidden = iter(made_names("hidden", program.n_neurons))
    place_of = {neuron: place for place, neuron in enumerate(program.outputs.tolist())}
    return tuple(
        f"output {place_of[neuron]}" if neuron in place_of else next(hidden) for neuron in range(program.n_neurons)
    )


def _provenance(parts: Mapping[str, Program], plan: Plan, joined: Wired) -> dict[str, object]:
    return {
        "versions": {"snnprog": __version__},
        "linked": {
            "parts": {
                name: {"neurons": [int(first), int(first) + program.n_neurons], "provenance": dict(program.provenance)}
                for (name, program), first in zip(parts.items(), joined.first, strict=False)
            },
            "relays": joined.n_relays,
            "inputs": list(plan.input_names),
            "outputs": list(plan.output_names),
        },
    }
