"""The integer rule of a chip for one tick, as a value.

A rule has *registers*, which a neuron keeps from tick to tick and which rest at 0; *parameters*, which a program sets
for each neuron; and *steps*, in the order in which the chip takes them. A step assigns an expression to a name, and a
name always refers to its latest value, so the next tick starts with ``potential`` as the reset step left it.

One tick of a neuron is:

1. *gather*, once for each spike that arrives, in the order of lines (inputs, then neurons), then of delays, then of
   synapses. It reads ``weight`` (exponent applied) and ``count`` (how often that line spiked). A target that is not a
   register starts each tick at 0.
2. the steps. One of them assigns ``spikes``: how often the neuron spikes in this tick, 0 or 1 on most chips.

Names with a meaning outside the rule: the registers ``current`` and ``potential`` are recorded as state
(a rule without ``current`` records zeros), and the parameters are those of `snnprog.Program`: ``threshold``,
``current_decay``, ``potential_decay``, ``bias`` and ``refractory``; a rule has those that it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType

from snnprog.calls import call_checked
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.rules.expressions import (
    CONVERSIONS,
    Add,
    Compare,
    Const,
    Expression,
    FloorDiv,
    Max,
    Min,
    Mul,
    Ref,
    Shl,
    names_in,
    nodes,
)
from snnprog.rules.typed import convert_fields
from snnprog.wording import counted, did_you_mean

WEIGHT, COUNT, SPIKES = "weight", "count", "spikes"
CURRENT, POTENTIAL = "current", "potential"
LONGEST_NAME = 32
"""Maximum length of a name: enough for any word, and short enough for tables of equations."""

UNSET: Mapping[str, int] = MappingProxyType(
    {"threshold": 1, "current_decay": 0, "potential_decay": 0, "bias": 0, "refractory": 1}
)
"""The parameters of a program, and the only value of each if the rule does not read it."""


@call_checked
@dataclass(frozen=True)
class Parameter:
    """A number that a program sets for each neuron, from ``low`` to ``high``, both included.

    Attributes
    ----------
    name : str
        One of ``threshold``, ``current_decay``, ``potential_decay``, ``bias`` and ``refractory``.
    low, high : int
        The range.
    """

    name: str
    low: int
    high: int

    def __post_init__(self) -> None:
        convert_fields(self, "a parameter of a rule")


@call_checked
@dataclass(frozen=True)
class LayerConstant:
    """A number that the chip sets: one value for readout neurons, and one for all others.

    Attributes
    ----------
    name : str
        Its name in steps.
    hidden, readout : int
        Its value for neurons that are not read out, and for those that are.
    """

    name: str
    hidden: int
    readout: int

    def __post_init__(self) -> None:
        convert_fields(self, "a constant of a rule")


@call_checked
@dataclass(frozen=True)
class Step:
    """One assignment.

    Attributes
    ----------
    name : str
        The name of the step.
    target : str
        The register, or the name within the tick, that is assigned.
    expression : Expression
        The value.
    """

    name: str
    target: str
    expression: Expression

    def __post_init__(self) -> None:
        convert_fields(self, "a step of a rule", CONVERSIONS)


@call_checked
@dataclass(frozen=True)
class Watch:
    """A step whose values must stay below ``limit`` in magnitude for all runtimes of the chip to agree.

    The watched values are those of each register of the step before clipping, or without clipping, the result.

    Attributes
    ----------
    step : str
        The name of the step.
    limit : int
        The smallest magnitude at which runtimes may differ.
    """

    step: str
    limit: int

    def __post_init__(self) -> None:
        convert_fields(self, "a watch of a rule")


@dataclass(frozen=True)
class Firing:
    """The comparison of a rule that decides about spikes.

    Attributes
    ----------
    operator : str
        ``>`` or ``>=``: how the potential is compared with the threshold.
    unit : int
        One unit of the threshold in units of the potential.
    most : Expression or None
        Maximum number of spikes in a tick; None without a limit.
    """

    operator: str
    unit: int
    most: Expression | None


@call_checked
@dataclass(frozen=True, repr=False)
class Rule(Displayed):
    """The integer rule of a chip for one tick; see the module docstring.

    Attributes
    ----------
    name : str
        Its name in backends.
    registers : tuple of str
    parameters : tuple of Parameter
    gather : Step
        The summation of arriving spikes.
    steps : tuple of Step
    watched : tuple of Watch
        The portable range.
    constants : tuple of LayerConstant

    Raises
    ------
    SpecError
        If the rule is inconsistent: a name is read before it is assigned, a step or name is repeated, there is no
        ``potential``, or not exactly one step assigns ``spikes``.
    """

    name: str
    registers: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    gather: Step
    steps: tuple[Step, ...]
    watched: tuple[Watch, ...]
    constants: tuple[LayerConstant, ...] = ()

    def __post_init__(self) -> None:
        convert_fields(self, f"rule {self.name}")
        self._check_names()
        self._check_reads()

    def _summary(self) -> str:
        return f"{self.name}, registers {', '.join(self.registers)}, {counted(len(self.steps), 'step')}"

    def __hash__(self) -> int:
        """Return the hash of all fields, calculated once: caches of compiled code look rules up before every run."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, each.name) for each in fields(self)))

    def __getstate__(self) -> dict[str, object]:
        """Return the pickled state, without the hash, because hashes of strings differ between processes."""
        return {name: value for name, value in vars(self).items() if name != "_hash"}

    @cached_property
    def is_sum(self) -> bool:
        """Whether arriving spikes may be added in any order: the gathering does not clip and is not watched."""
        if self.gather.name in {watch.step for watch in self.watched}:
            return False
        target = Ref(self.gather.target)
        return self.gather.expression == Add(target, Mul(Ref(WEIGHT), Ref(COUNT)))

    @cached_property
    def changed_by_spikes(self) -> frozenset[str]:
        """The registers that depend on the neuron's own spikes, in the same or later ticks."""
        changed, before = {SPIKES}, set[str]()
        while changed != before:
            before = set(changed)
            changed |= {step.target for step in self.all_steps if names_in(step.expression) & changed}
        return frozenset(changed & set(self.registers))

    @property
    def fire(self) -> Step:
        """The step that assigns ``spikes``."""
        return next(step for step in self.steps if step.target == SPIKES)

    @cached_property
    def firing(self) -> Firing:
        """How the rule decides about spikes."""
        expression = self.fire.expression
        if isinstance(expression, Compare):
            return self._firing(expression.operator, expression.left, threshold=expression.right, most=Const(1))
        counted, most = (expression.left, expression.right) if isinstance(expression, Min) else (expression, None)
        if isinstance(counted, FloorDiv) and isinstance(counted.left, Max) and counted.left.right == Const(0):
            return self._firing(">=", counted.left.left, threshold=counted.right, most=most)
        raise self._wrong_firing()

    @property
    def unit(self) -> int:
        """One unit of the threshold in units of the potential."""
        return self.firing.unit

    @property
    def is_equal_a_spike(self) -> bool:
        """Whether a potential that equals the threshold is a spike."""
        return self.firing.operator == ">="

    def _firing(
        self, operator: str, potential: Expression, *, threshold: Expression, most: Expression | None
    ) -> Firing:
        limit, unit = threshold, 1
        if isinstance(threshold, Shl):
            limit, unit = threshold.operand, 1 << threshold.bits
        elif isinstance(threshold, Mul) and isinstance(threshold.right, Const):
            limit, unit = threshold.left, threshold.right.value
        if potential != Ref(POTENTIAL) or limit != Ref("threshold") or unit < 1:
            raise self._wrong_firing()
        return Firing(operator, unit, most)

    def _wrong_firing(self) -> SpecError:
        return SpecError(
            f"rule {self.name} must assign 'spikes' as potential > limit, potential >= limit or"
            " min(max(potential, 0) // limit, most), where limit is the threshold, shifted left or times a constant"
        )

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The gathering, then the steps."""
        return (self.gather, *self.steps)

    def step(self, name: str) -> Step:
        """Return the step of that name.

        Raises
        ------
        SpecError
            If there is none.
        """
        for step in self.all_steps:
            if step.name == name:
                return step
        known = ", ".join(step.name for step in self.all_steps)
        raise SpecError(f"rule {self.name} has no step {name!r}; its steps are {known}")

    def range_of(self, parameter: str) -> tuple[int, int]:
        """Return the range of a program's parameter; a parameter that the rule does not read has one value."""
        found = next((each for each in self.parameters if each.name == parameter), None)
        return (UNSET[parameter],) * 2 if found is None else (found.low, found.high)

    def with_step(self, name: str, expression: Expression) -> Rule:
        """Return the rule in which one step assigns another expression."""
        old = self.step(name)
        new = replace(old, expression=expression)
        if old is self.gather:
            return replace(self, gather=new)
        return replace(self, steps=tuple(new if step is old else step for step in self.steps))

    def with_range(self, parameter: str, bounds: tuple[int, int]) -> Rule:
        """Return the rule in which a parameter has another range, both ends included."""
        changed = tuple(Parameter(parameter, *bounds) if each.name == parameter else each for each in self.parameters)
        return replace(self, parameters=changed)

    def _check_names(self) -> None:
        given = [
            *self.registers,
            *(parameter.name for parameter in self.parameters),
            *(constant.name for constant in self.constants),
        ]
        taken = {WEIGHT, COUNT, SPIKES}
        for names, what in ((given, "name"), ([step.name for step in self.all_steps], "step")):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise SpecError(f"rule {self.name} has the {what} {twice!r} twice; give each a different name")
        for name in [*given, *(step.target for step in self.all_steps)]:
            if not (name.isidentifier() and name.isascii() and len(name) <= LONGEST_NAME):
                raise SpecError(
                    f"rule {self.name} uses the name {name!r}; use identifiers of at most {LONGEST_NAME} letters"
                )
        for name in given:
            if name in taken:
                raise SpecError(f"rule {self.name} calls a register, parameter or constant {name!r}; rename it")
        if POTENTIAL not in self.registers:
            raise SpecError(f"rule {self.name} must have a register 'potential'; its registers are {self.registers}")
        for parameter in self.parameters:
            if parameter.name not in UNSET:
                raise SpecError(
                    f"rule {self.name} has a parameter {parameter.name!r}; a program has {', '.join(UNSET)}"
                )
            if not parameter.low <= parameter.high:
                raise SpecError(
                    f"parameter {parameter.name} of rule {self.name} must have low <= high,"
                    f" got {parameter.low} and {parameter.high}"
                )
        for watch in self.watched:
            self.step(watch.step)

    def _check_reads(self) -> None:
        """Check that every name is assigned before it is read, and ``spikes`` once."""
        fixed = {parameter.name for parameter in self.parameters} | {constant.name for constant in self.constants}
        known = fixed | set(self.registers)
        for step in self.all_steps:
            here = known | ({WEIGHT, COUNT, self.gather.target} if step is self.gather else set())
            missing = sorted(names_in(step.expression) - here)
            if missing:
                hint = did_you_mean(missing[0], here) or f"; it can read {', '.join(sorted(here))}"
                raise SpecError(
                    f"step {step.name!r} of rule {self.name} reads {missing[0]!r}, which is not a register or parameter"
                    f" of the rule and which no earlier step assigns{hint}"
                )
            if step.target in fixed | {WEIGHT, COUNT}:
                raise SpecError(f"step {step.name!r} of rule {self.name} assigns {step.target!r}, a parameter")
            for node in nodes(step.expression):
                if isinstance(node, Compare) and node.operator not in (">", ">="):
                    raise SpecError(
                        f"step {step.name!r} of rule {self.name} compares by {node.operator!r}; use > or >="
                    )
            known.add(step.target)
        firing = [step.name for step in self.steps if step.target == SPIKES]
        if len(firing) != 1:
            raise SpecError(f"rule {self.name} must have one step that assigns 'spikes', got {len(firing)}")
        if "threshold" not in {parameter.name for parameter in self.parameters}:
            raise SpecError(f"rule {self.name} must have a parameter 'threshold'")
        _ = self.firing  # raises if the step does not compare the potential with the threshold
