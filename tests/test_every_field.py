"""No field of a chip or a rule is declared and not obeyed: what each changes, and that none is forgotten here.

A case is a chip, the same chip with one field changed, and something to look at: a run, a refusal, a compiled program,
a placement, or an energy. What is seen must differ. A refusal counts as what is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from untyped import untyped

import snnprog as sp
from snnprog.chips import CHIPS, Chip, Core, Energy, Layers, SynapticMemory, WeightRanges
from snnprog.rules import Const, End, LayerConstant, Parameter, Ref, Rule, Step, Watch
from snnprog.rules.expressions import Hold, nodes, rebuilt

LOIHI, XYLO = CHIPS["loihi1"], CHIPS["xylo"]
MORE = np.zeros((24, 2), dtype=bool)
MORE[::2, 0] = MORE[1::5, 1] = True


@dataclass(frozen=True)
class Case:
    """One field changed.

    Attributes
    ----------
    base : Chip
    change : callable
        Chip -> the changed one, or an error that says why there is none.
    see : callable
        Chip -> what is seen.
    """

    base: Chip
    change: Callable[[Chip], Chip]
    see: Callable[[Chip], object]


# ---------------------------------------------------------------------------------------------------- what is seen


def program_for(chip: Chip, **values: Any) -> sp.Program:
    """Return a program of a hidden neuron that feeds one that is read out, or of what is given."""
    usual: dict[str, Any] = {
        "n_inputs": 2,
        "n_neurons": 2,
        "outputs": [1],
        "pre": [0, 1, 2],
        "post": [0, 0, 1],
        "weight": [100, -60, 90],
        "threshold": [30, 55],
        "bias": [3, 0],
    }
    return sp.Program.from_arrays(chip=chip, **(usual | values))


def made(chip: Chip, **values: Any) -> object:
    """See whether a program with these values can be made, and its defaults."""
    program = program_for(chip, **values)
    return program.current_decay.tolist(), program.potential_decay.tolist()


def ran(chip: Chip, **values: Any) -> object:
    """See all that comes of a run: spikes, states, and the first value outside the watched range of each neuron."""
    (trace,) = sp.run(program_for(chip, **values), [MORE], "reference", "state")
    return trace.spikes.tobytes(), trace.currents, trace.potentials, trace.excursions


def specified(chip: Chip, **options: Any) -> object:
    """See whether a spec can be made."""
    return sp.Spec([sp.Pattern(MORE, MORE[:, :1])], chip=chip, **options).dynamics


def compiled(chip: Chip, spec: Callable[[Chip], sp.Spec]) -> object:
    """See the integers that a spec becomes."""
    program = sp.compile(spec(chip)).program
    return [getattr(program, name).tolist() for name in ("weight", "exponent", "threshold", "bias")]


def placed(chip: Chip) -> object:
    """See what a program fills on the cores."""
    rng = np.random.default_rng(0)
    many = {"n_neurons": 6, "outputs": range(6), "pre": np.repeat(range(2), 6), "post": [*range(6)] * 2}
    values = {"weight": 16 * rng.integers(1, 16, 12), "threshold": range(20, 26), "bias": 0, "delay": 1}
    program = program_for(chip, **many, **values, potential_decay=range(6), exponent=[0, 1] * 6)
    found = sp.place(program, max_cores=4).as_dict()
    return [found[name] for name in ("cores", "total", "core_of_neuron")]


def spent(chip: Chip) -> object:
    return sp.activity(program_for(chip), [MORE]).as_dict()


def seen(case: Case, chip: Callable[[Chip], Chip]) -> str:
    try:
        with np.printoptions(threshold=100_000):
            return repr(case.see(chip(case.base)))
    except sp.SnnprogError as error:
        return f"refused: {error}"


# -------------------------------------------------------------------------------------------------------- the specs


def one_and_nine(chip: Chip) -> sp.Spec:
    """Return a spec of an output that one line makes spike, and one for nine lines together: weights far apart."""
    inputs, targets = np.zeros((12, 10), dtype=bool), np.zeros((12, 2), dtype=bool)
    inputs[1, 0] = inputs[5, 1:] = True
    targets[2, 0] = targets[6, 1] = True
    return sp.Spec([sp.Pattern(inputs, targets)], delays=[1], chip=chip, threshold=600)


def every_tick(chip: Chip) -> sp.Spec:
    """Return a spec of spikes without any input: a bias alone makes them."""
    targets = np.zeros((30, 1), dtype=bool)
    targets[2::3] = True
    return sp.Spec([sp.Pattern(np.zeros((30, 1), dtype=bool), targets)], delays=[1], chip=chip, bias="free")


# -------------------------------------------------------------------------------------------------------- changes


def of_chip(**changes: Any) -> Callable[[Chip], Chip]:
    return lambda chip: replace(chip, **changes)


def of_rule(**changes: Any) -> Callable[[Chip], Chip]:
    return lambda chip: replace(chip, rule=replace(chip.rule, name="changed", **changes))


def of_step(index: int, **changes: Any) -> Callable[[Chip], Chip]:
    def change(chip: Chip) -> Chip:
        steps = list(chip.rule.steps)
        steps[index] = replace(steps[index], **changes)
        return of_rule(steps=tuple(steps))(chip)

    return change


def of_hold(**changes: Any) -> Callable[[Chip], Chip]:
    """Return a change of the end of Loihi's potential."""

    def change(chip: Chip) -> Chip:
        step = chip.rule.step("potential")
        held = next(node for node in nodes(step.expression) if isinstance(node, Hold))
        expression = rebuilt(step.expression, lambda node: replace(held, **changes) if node == held else node)
        return of_step(2, expression=expression)(chip)

    return change


def of_entry(item: str, index: int, **changes: Any) -> Callable[[Chip], Chip]:
    """Return a change of one of a rule's parameters, watches or constants."""

    def change(chip: Chip) -> Chip:
        entries = list(getattr(chip.rule, item))
        entries[index] = replace(entries[index], **changes)
        return of_rule(**{item: tuple(entries)})(chip)

    return change


def of_part(item: str, **changes: Any) -> Callable[[Chip], Chip]:
    """Return a change of a part of a chip, such as its core."""
    return lambda chip: replace(chip, **{item: replace(getattr(chip, item), **changes)})


def of_memory(**changes: Any) -> Callable[[Chip], Chip]:
    def change(chip: Chip) -> Chip:
        assert chip.core.memory is not None
        return replace(chip, core=replace(chip.core, memory=replace(chip.core.memory, **changes)))

    return change


LOUD = partial(ran, weight=[255, 255, 90], exponent=7, current_decay=0, potential_decay=0, threshold=131071)
STEP_WEIGHT = partial(made, weight=[6, -60, 92], sign_mode=1)
XYLO_RUN = partial(ran, weight=[120, -30, 100], threshold=[7, 9], potential_decay=[4, 4], current_decay=1)
MEMORY = SynapticMemory(200, 8, 10, 2, (0, 1, 2, 4, 8), (0, 1, 2, 3))
SMALL = replace(LOIHI, core=Core(memory=MEMORY))

CASES: dict[type, dict[str, Case]] = {
    Chip: {
        "name": Case(LOIHI, of_chip(name="other"), partial(specified, delays=[99])),
        "rule": Case(LOIHI, lambda chip: of_step(4, expression=Ref("potential"))(chip), ran),
        "delays": Case(LOIHI, of_chip(delays=(1, 3)), partial(made, delay=4)),
        "weight_ranges": Case(LOIHI, of_part("weight_ranges", excitatory=(0, 50)), made),
        "weight_bits": Case(LOIHI, of_chip(weight_bits=4), partial(specified, weight_bits=5)),
        "exponents": Case(LOIHI, of_chip(exponents=(0, 4), design_exponents=(0,)), partial(made, exponent=5)),
        "design_exponents": Case(LOIHI, of_chip(design_exponents=(0,)), partial(compiled, spec=one_and_nine)),
        "usual_decays": Case(LOIHI, of_chip(usual_decays=(4095, 9)), made),
        "bias_mantissas": Case(LOIHI, of_chip(bias_mantissas=(-2, 2)), partial(made, bias=[3, 0])),
        "bias_exponents": Case(LOIHI, of_chip(bias_exponents=(4, 7)), partial(made, bias=[3, 0])),
        "free_bias_exponents": Case(LOIHI, of_chip(free_bias_exponents=(7, 7)), partial(compiled, spec=every_tick)),
        "is_exponent_shared": Case(LOIHI, of_chip(is_exponent_shared=True), partial(compiled, spec=one_and_nine)),
        "layers": Case(replace(XYLO, layers=None), of_chip(layers=XYLO.layers), partial(made, outputs=[0, 1])),
        "cores": Case(LOIHI, of_chip(cores=1), partial(made, core=[0, 1])),
        "core": Case(LOIHI, of_chip(core=Core(neurons=1)), placed),
        "energy": Case(LOIHI, of_chip(energy=None), spent),
    },
    WeightRanges: {
        "mixed": Case(LOIHI, of_part("weight_ranges", mixed=(-10, 10)), partial(made, sign_mode=1)),
        "excitatory": Case(LOIHI, of_part("weight_ranges", excitatory=(0, 50)), made),
        "inhibitory": Case(LOIHI, of_part("weight_ranges", inhibitory=(-50, 0)), made),
        "mixed_step": Case(LOIHI, of_part("weight_ranges", mixed_step=4), STEP_WEIGHT),
    },
    Layers: {
        "most_inputs": Case(XYLO, of_part("layers", most_inputs=1), made),
        "most_hidden": Case(XYLO, of_part("layers", most_hidden=2), made),
        "most_outputs": Case(XYLO, of_part("layers", most_outputs=1), partial(made, outputs=[0, 1], pre=[0, 1, 1])),
        "most_fan_out": Case(XYLO, of_part("layers", most_fan_out=1), made),
    },
    Core: {
        **{
            name: Case(LOIHI, of_chip(core=Core(**untyped({name: 1}))), placed)
            for name in ("neurons", "axons_in", "axons_out", "profiles", "thresholds", "formats")
        },
        "memory": Case(LOIHI, of_chip(core=Core()), placed),
    },
    SynapticMemory: {
        "words": Case(SMALL, of_memory(words=3), placed),
        "word_bits": Case(SMALL, of_memory(word_bits=16), placed),
        "header_bits": Case(SMALL, of_memory(header_bits=60), placed),
        "block_synapses": Case(SMALL, of_memory(block_synapses=1), placed),
        "weight_bits": Case(SMALL, of_memory(weight_bits=(0, 8)), placed),
        "index_bits": Case(SMALL, of_memory(index_bits=(60,)), placed),
    },
    Energy: {
        "synaptic_operation": Case(LOIHI, of_part("energy", synaptic_operation=1.0), spent),
        "message": Case(LOIHI, of_part("energy", message=1.0), spent),
        "update": Case(LOIHI, of_part("energy", update=(1.0, 2.0)), spent),
        "source": Case(LOIHI, of_part("energy", source="a guess"), spent),
    },
    Rule: {
        "name": Case(LOIHI, of_rule(), lambda chip: sp.run(program_for(chip, bias=0), [], "brian2_loihi")),
        "registers": Case(LOIHI, of_rule(registers=("current", "potential")), ran),
        "parameters": Case(LOIHI, of_entry("parameters", 0, high=40), made),
        "gather": Case(
            LOIHI, of_rule(gather=Step("gather", "arriving", Ref("arriving") - Ref("weight") * Ref("count"))), ran
        ),
        "steps": Case(LOIHI, lambda chip: of_rule(steps=chip.rule.steps[:4] + chip.rule.steps[5:])(chip), ran),
        "watched": Case(LOIHI, of_rule(watched=()), LOUD),
        "constants": Case(XYLO, of_rule(constants=(LayerConstant("most", 1, 1),)), XYLO_RUN),
    },
    Step: {
        "name": Case(LOIHI, of_step(2, name="integrate"), ran),
        "target": Case(LOIHI, of_step(4, target="current"), ran),
        "expression": Case(LOIHI, of_step(4, expression=Const(1)), ran),
    },
    Parameter: {
        "name": Case(LOIHI, of_entry("parameters", 4, name="delay"), made),
        "low": Case(LOIHI, of_entry("parameters", 0, low=31), made),
        "high": Case(LOIHI, of_entry("parameters", 0, high=50), made),
    },
    LayerConstant: {
        "name": Case(XYLO, of_entry("constants", 0, name="limit"), XYLO_RUN),
        "hidden": Case(XYLO, of_entry("constants", 0, hidden=2), XYLO_RUN),
        "readout": Case(XYLO, of_entry("constants", 0, readout=3), XYLO_RUN),
    },
    Watch: {
        "step": Case(LOIHI, of_entry("watched", 2, step="arrivals"), LOUD),
        "limit": Case(LOIHI, of_entry("watched", 0, limit=2**12), LOUD),
    },
    Hold: {
        "operand": Case(LOIHI, of_hold(operand=Ref("current")), ran),
        "low": Case(LOIHI, of_hold(low=-100), ran),
        "high": Case(LOIHI, of_hold(high=100), ran),
        "end": Case(of_hold(high=1500)(LOIHI), of_hold(end=End.WRAP), ran),
    },
}
ALL = {f"{kind.__name__}.{name}": case for kind, cases in CASES.items() for name, case in cases.items()}


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_no_field_is_forgotten(kind: type) -> None:
    assert sorted(CASES[kind]) == sorted(field.name for field in fields(kind))


@pytest.mark.filterwarnings("ignore::snnprog.errors.PortabilityWarning")
@pytest.mark.parametrize("name", ALL)
def test_a_field_changes_what_is_seen(name: str) -> None:
    case = ALL[name]
    before = seen(case, lambda chip: chip)
    after = seen(case, case.change)
    print(before[:400], after[:400], sep="\n")
    assert before.startswith("refused") == (name == "Chip.name"), "a refusal is seen where a field is changed"
    assert before != after
