"""The linear rule: a chip's rule without rounding and clipping of registers.

For known spikes of a neuron, its potential is linear in its weights, bias and threshold (Rostro-Gonzalez,
Cessac, Vasquez, Viéville 2009, arXiv:0905.4810, section 2)::

    U[k] = α U[k-1] + gain · (arriving weights)       a current that no spike resets
    V[k] = γ V'[k-1] + U[k] + bias / unit             the potential that is compared with the threshold
    V'[k] = V[k], or its value after a reset

in units of the threshold: a threshold of 1 is 1, and so is one weight LSB, except for ``gain``. `linear_rule` derives
α, γ, gain, unit and the kind of reset from a rule by calculating one tick with symbols (`snnprog.rules.resolve`), for
each state of its control registers. The effect of rounding on each tick is an interval, from the roundings of
the rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property, lru_cache

from snnprog.errors import SpecError
from snnprog.rules.expressions import Const, Hold, Ref, Rounding
from snnprog.rules.resolve import ARRIVING, BY_HAND, Form, Resolver, Sums, Tick
from snnprog.rules.rule import CURRENT, POTENTIAL, SPIKES, Rule, Step

ZERO, SUBTRACT, NONE = "zero", "subtract", "none"
UNLIMITED = 1 << 62
"""Greater than any sum of an int64 executor."""

NO_LIMIT = Fraction(UNLIMITED)

LONGEST_RESET = 1 << 12
"""Maximum number of ticks for a rule to come to rest; Loihi's longest reset lasts 63."""

ERROR = "error "

Interval = tuple[Fraction, Fraction]
NO_ERROR: Interval = (Fraction(0), Fraction(0))


def rounding_errors(factor: Fraction, rounding: Rounding) -> Interval:
    """Return the bounds of ``round(x * factor) - x * factor`` for integers x.

    With q the denominator of the factor, a quotient lies a multiple of 1/q from the integer below it, so rounding down
    loses at most ``(q - 1) / q``, and rounding to the nearest moves by at most ``floor(q / 2) / q``.
    """
    q = factor.denominator
    whole, half = Fraction(q - 1, q), Fraction(q // 2, q)
    if rounding is Rounding.FLOOR:
        return -whole, Fraction(0)
    if rounding in (Rounding.HALF_UP, Rounding.HALF_AWAY, Rounding.HALF_EVEN):
        return -half, half
    return -whole, whole


@dataclass(frozen=True)
class Limits:
    """Magnitudes below which no register reaches its end and all runtimes of the chip agree.

    Attributes
    ----------
    arrivals : Fraction
        Limit of the sum of the weights that arrive in a tick, in weight LSBs.
    current, potential : Fraction
        In units of the threshold.
    """

    arrivals: Fraction
    current: Fraction
    potential: Fraction


@dataclass(frozen=True)
class LinearRule:
    """The exact decays, reset and units of a neuron, and bounds on rounding.

    Attributes
    ----------
    current, potential : Fraction
        α and γ, the shares of a current and of a potential that remain after one tick.
    gain : Fraction
        The amount that one arriving weight LSB adds to the current in the same tick, in units of the threshold.
    unit : int
        One unit of the threshold in units of the chip's potential and of its bias.
    reset : str
        "zero", "subtract" (the threshold is subtracted) or "none".
    refractory : int
        Duration of a reset in ticks, including its own; in the others the potential stays at 0.
    is_equal_a_spike : bool
        Whether a potential that equals the threshold is a spike (``>=``).
    most_spikes : int
        Maximum number of spikes in a tick.
    current_error, potential_error : (Fraction, Fraction)
        Bounds on the effect of rounding on a current, and additionally on a potential, in each tick, in units
        of the threshold.
    is_current_rounded_at_once, is_potential_rounded_at_once : bool
        Whether rounding begins in the tick in which a spike arrives, instead of the next one.
    limits : Limits
    given : tuple of (str, int)
        The parameters and constants that it was derived for.
    """

    current: Fraction
    potential: Fraction
    gain: Fraction
    unit: int
    reset: str = ZERO
    refractory: int = 1
    is_equal_a_spike: bool = False
    most_spikes: int = 1
    current_error: Interval = NO_ERROR
    potential_error: Interval = NO_ERROR
    is_current_rounded_at_once: bool = False
    is_potential_rounded_at_once: bool = False
    limits: Limits = Limits(NO_LIMIT, NO_LIMIT, NO_LIMIT)
    given: tuple[tuple[str, int], ...] = ()

    @property
    def is_reset_to_zero(self) -> bool:
        """Whether a reset clears the whole potential."""
        return self.reset == ZERO

    @property
    def is_plain(self) -> bool:
        """Whether resets are to zero, ``gain`` is 1, and potentials last if currents do.

        The fastest methods require this; they divide by powers of the potential's decay factor.
        """
        return self.is_reset_to_zero and self.gain == 1 and (self.potential > 0 or self.current == 0)

    @cached_property
    def losses(self) -> tuple[float, float]:
        """Maximum change of a current and of a potential by one rounding, in units of the threshold."""
        current, potential = (float(max(map(abs, error))) for error in (self.current_error, self.potential_error))
        return current, potential

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, field.name) for field in fields(self)))

    def __hash__(self) -> int:
        """Return the hash, calculated once: that of a fraction takes a modular power."""
        return self._hash

    @property
    def has_errors(self) -> bool:
        """Whether anything is rounded."""
        return self.current_error != NO_ERROR or self.potential_error != NO_ERROR


class _Errors(Sums):
    """Gives each rounding a separate error, and ignores ends of registers, recording them."""

    def __init__(self) -> None:
        self.errors: dict[str, Interval] = {}
        self.ends: list[tuple[Step, Form, Hold]] = []

    def rounded(self, operand: Form, factor: Fraction, rounding: Rounding) -> Form:
        """Return the product, and an error."""
        name = f"{ERROR}{len(self.errors)}"
        self.errors[name] = rounding_errors(factor, rounding)
        return operand.times(factor).plus(Form.symbol(name))

    def held(self, operand: Form, node: Hold, step: Step) -> Form:
        """Return the value unchanged."""
        self.ends.append((step, operand, node))
        return operand

    def total(self, form: Form) -> Interval:
        """Return the bounds of the sum of the errors in a form."""
        low = high = Fraction(0)
        for name, interval in self.errors.items():
            ends = [form.coefficient(name) * end for end in interval]
            low, high = low + min(ends), high + max(ends)
        return low, high

    def is_in(self, form: Form) -> bool:
        """Return whether a form has an error."""
        return any(name in form.terms for name in self.errors)


def linear_rule(rule: Rule, decays: Mapping[str, int], refractory: int = 1) -> LinearRule:
    """Return the linear rule of neurons with these decays.

    Parameters
    ----------
    rule : Rule
    decays : mapping of str to int
        ``current_decay`` and ``potential_decay``.
    refractory : int
        In ticks.

    Raises
    ------
    SpecError
        If weights cannot be designed for the rule; the message names the step.
    """
    return _linear_rule(rule, decays["current_decay"], potential_decay=decays["potential_decay"], refractory=refractory)


@lru_cache(maxsize=1024)
def _linear_rule(rule: Rule, current_decay: int, *, potential_decay: int, refractory: int) -> LinearRule:
    fixed = {"current_decay": current_decay, "potential_decay": potential_decay, "refractory": refractory}
    fixed = {each.name: fixed[each.name] for each in rule.parameters if each.name in fixed}
    fixed |= {each.name: each.hidden for each in rule.constants}
    return _Reader(rule, fixed).linear()


class _Reader:
    """Derives the linear rule from ticks that are calculated with symbols."""

    def __init__(self, rule: Rule, fixed: Mapping[str, int]) -> None:
        self.rule, self.fixed = rule, fixed
        self.linear_registers = {CURRENT, POTENTIAL} & set(rule.registers)
        firing = rule.all_steps.index(rule.fire)
        self.before, self.after = slice(firing), slice(firing, None)

    def linear(self) -> LinearRule:
        """Return the linear rule; refuse rules of another form."""
        rest = {name: 0 for name in self.rule.registers if name not in self.linear_registers}
        (silent, errors), (spiking, _) = self._tick(rest, 0), self._tick(rest, 1)
        unit = self.rule.unit
        alpha, own = self._current(silent)
        flow = self._flow(silent, alpha, own=own)
        self._check_potential(silent)
        current = silent.state.get(CURRENT, Form()).times(flow / unit)
        rounds, held_ticks = self._rounds_at_once(rest), self._held_ticks(spiking, rest)
        return LinearRule(
            current=alpha,
            potential=silent.compared.coefficient(POTENTIAL),
            gain=flow * own / unit,
            unit=unit,
            reset=self._reset(spiking) if held_ticks == 1 else ZERO,  # any remainder is 0 a tick later
            refractory=held_ticks,
            is_equal_a_spike=self.rule.is_equal_a_spike,
            most_spikes=self._most_spikes(),
            current_error=errors.total(current),
            potential_error=errors.total(silent.compared.times(Fraction(1, unit)).plus(current.times(-1))),
            is_current_rounded_at_once=rounds[0],
            is_potential_rounded_at_once=rounds[1],
            limits=self._limits(silent, errors, flow, unit),
            given=tuple(sorted(self.fixed.items())),
        )

    def _tick(self, control: Mapping[str, int], spikes: int, *, at_rest: bool = False) -> tuple[Tick, _Errors]:
        state = {name: Form.of(value) for name, value in control.items()}
        state |= {name: Form() if at_rest else Form.symbol(name) for name in self.linear_registers}
        errors = _Errors()
        resolver = Resolver(self.rule, self.fixed, errors)
        return resolver.tick(state, spikes=spikes, arriving=Form.symbol(ARRIVING)), errors

    def _current(self, tick: Tick) -> tuple[Fraction, Fraction]:
        """Return α, and the amount that one arriving LSB adds to the current; 0 and 1 without a current."""
        if CURRENT not in self.rule.registers:
            return Fraction(0), Fraction(1)
        after = tick.state[CURRENT]
        others = {name for name in after.terms if not name.startswith(ERROR)} - {CURRENT, ARRIVING}
        if others or after.constant:
            raise self._refusal("must calculate the current from itself and arriving spikes only", target=CURRENT)
        return after.coefficient(CURRENT), after.coefficient(ARRIVING)

    def _flow(self, tick: Tick, alpha: Fraction, *, own: Fraction) -> Fraction:
        """Return the amount that one unit of the current, or without a current, of the input, adds to the potential."""
        flow = tick.compared.coefficient(ARRIVING) / own if own else Fraction(1)  # without a current
        if own < 0 or flow <= 0:
            raise self._refusal(
                "must let arriving spikes raise the potential in the same tick", target=POTENTIAL, at=self.before
            )
        if tick.compared.coefficient(CURRENT) != flow * alpha:
            raise self._refusal(
                "must add the current of the same tick to the potential", target=POTENTIAL, at=self.before
            )
        return flow

    def _check_potential(self, tick: Tick) -> None:
        if tick.state[POTENTIAL] != tick.compared:
            raise self._refusal(
                "must not change the potential after the comparison, except for spikes", target=POTENTIAL, at=self.after
            )
        if not 0 <= tick.compared.coefficient(POTENTIAL) <= 1:
            raise self._refusal("must keep a share of the potential between 0 and 1", target=POTENTIAL, at=self.before)
        has_bias = any(each.name == "bias" for each in self.rule.parameters)
        if tick.compared.coefficient("bias") != has_bias or tick.compared.constant:
            raise self._refusal(
                "must add the unscaled bias, and no other constant, to the potential", target=POTENTIAL, at=self.before
            )

    def _reset(self, spiking: Tick) -> str:
        left, before, threshold = spiking.state[POTENTIAL], spiking.compared, Form.symbol("threshold")
        kinds = {NONE: before, ZERO: Form(), SUBTRACT: before.plus(threshold.times(-self.rule.unit))}
        found = next((kind for kind, form in kinds.items() if left == form), None)
        if found is None:
            raise self._refusal(
                "must reset the potential to 0, subtract the threshold, or leave it unchanged",
                target=POTENTIAL,
                at=self.after,
            )
        return found

    def _held_ticks(self, spiking: Tick, rest: Mapping[str, int]) -> int:
        """Return the duration of a reset in ticks, including its own."""
        control = self._control(spiking)
        for ticks in range(1, LONGEST_RESET):
            if control == rest:
                return ticks
            tick, _ = self._tick(control, 0)
            if tick.compared != Form():
                raise self._refusal(
                    "must keep the potential at 0 for as long as a spike has an effect", target=POTENTIAL
                )
            control = self._control(tick)
        raise self._refusal("must let the potential come to rest after a spike", target=POTENTIAL)

    def _control(self, tick: Tick) -> dict[str, int]:
        after = {name: form for name, form in tick.state.items() if name not in self.linear_registers}
        for name, form in after.items():
            if not form.is_constant:
                raise self._refusal(f"must make {name!r} depend on spikes only", target=name)
        return {name: int(form.constant) for name, form in after.items()}

    def _most_spikes(self) -> int:
        most = self.rule.firing.most
        if most is None:
            return UNLIMITED
        value = most.value if isinstance(most, Const) else self.fixed.get(most.name) if isinstance(most, Ref) else None
        if value is None:
            raise self._refusal("must limit spikes in a tick by a constant", target=SPIKES)
        return value

    def _rounds_at_once(self, rest: Mapping[str, int]) -> tuple[bool, bool]:
        """Return whether the current, and whether the potential, is rounded in the tick in which a spike arrives."""
        tick, errors = self._tick(rest, 0, at_rest=True)
        current = tick.state.get(CURRENT, Form())
        others = {name: value for name, value in tick.compared.terms.items() if name not in current.terms}
        return errors.is_in(current), errors.is_in(Form(others))

    def _limits(self, tick: Tick, errors: _Errors, flow: Fraction, unit: int) -> Limits:
        """Return the nearest end of a register of each quantity, or its watched limit, if that is nearer."""
        watched = {watch.step: watch.limit for watch in self.rule.watched}
        found = [
            (step, operand, min(-node.low, node.high) + 1, watched.get(step.name, UNLIMITED))
            for step, operand, node in errors.ends
        ]
        held = {step.name for step, _, _ in errors.ends}
        for name, limit in watched.items():
            step = self.rule.step(name)
            if name not in held and step.target in tick.values:
                found.append((step, tick.values[step.target], UNLIMITED, limit))
        least = {"arrivals": NO_LIMIT, CURRENT: NO_LIMIT, POTENTIAL: NO_LIMIT}
        scale = {CURRENT: flow / unit, POTENTIAL: Fraction(1, unit)}
        for step, operand, end, limit in found:
            nearest = Fraction(min(end, limit))
            if step.target in scale:
                least[step.target] = min(least[step.target], nearest * scale[step.target])
            elif set(operand.terms) == {ARRIVING}:
                least["arrivals"] = min(least["arrivals"], nearest / operand.coefficient(ARRIVING))
        return Limits(min(least["arrivals"], least[CURRENT] / (flow / unit)), least[CURRENT], least[POTENTIAL])

    def _refusal(self, what: str, *, target: str, at: slice = slice(None)) -> SpecError:
        """Return the error that names the steps in a part of the tick which assign a target."""
        names = [step.name for step in self.rule.all_steps[at] if step.target == target]
        where = f"step{'s' * (len(names) > 1)} {' and '.join(map(repr, names))} " if names else "it "
        return SpecError(f"weights cannot be designed for rule {self.rule.name}: {where}{what}; {BY_HAND}")
