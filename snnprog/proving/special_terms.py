"""Terms of proofs about the hardware of one program: sums, choices by phase, and a neuron's tick with its constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from snnprog.emit.hardware.arithmetic import digits_of
from snnprog.emit.hardware.special_plan import NeuronPlan, Tap
from snnprog.proving.lemmas import Lemma, decided
from snnprog.rules.bitvectors import Formulas, ranges_of
from snnprog.rules.expressions import Hold
from snnprog.rules.rule import SPIKES, Rule
from snnprog.rules.vectors import Range, Vector, number, resized, signed_width


def is_same(vector: Vector, text: str, width: int, is_signed: bool) -> str:
    """Return, as a formula, that bits are an integer."""
    wide = max(width + 1, vector.width)
    return f"(= {resized(text, width, wide, is_signed=is_signed)} {vector.at(wide)})"


def joined(parts: Sequence[str]) -> str:
    """Return vectors as one, the first in the lowest bits."""
    return parts[0] if len(parts) == 1 else f"(concat {' '.join(parts[::-1])})"


def added(parts: Sequence[Vector]) -> Vector:
    """Return a sum, two by two, so that it has the form of a tree."""
    while len(parts) > 1:
        sums = [_sum_of_two(one, other) for one, other in zip(parts[::2], parts[1::2], strict=False)]
        parts = [*sums, *parts[2 * len(sums) :]]
    return parts[0]


def _sum_of_two(one: Vector, other: Vector) -> Vector:
    low, high = one.low + other.low, one.high + other.high
    width = signed_width(low, high)
    return Vector(f"(bvadd {one.at(width)} {other.at(width)})", low, high)


@dataclass(frozen=True)
class NeuronTick:
    """A tick of a neuron: formulas, and the values before and after by name."""

    formulas: ShiftedFormulas
    before: Mapping[str, Vector]
    after: Mapping[str, Vector]


@dataclass
class ShiftedFormulas(Formulas):
    """Formulas in which a product by a constant is shifts and additions, as in the hardware of one program."""

    factors: set[tuple[int, int]] = field(default_factory=set)

    def _product(self, left: Vector, right: Vector) -> Vector:
        if left.is_known:
            left, right = right, left
        if not right.is_known or left.is_known:
            return super()._product(left, right)
        width = left.width + right.width
        self.factors.add((right.low, width))
        ends = sorted((left.low * right.low, left.high * right.low))
        return self._defined(_shifted(left.at(width), right.low, width), width, (ends[0], ends[1]))


def _shifted(x: str, factor: int, width: int) -> str:
    """Return a product by a constant as shifts and additions."""
    text = number(0, width)
    for bits, is_taken_off in digits_of(factor):
        text = f"({'bvsub' if is_taken_off else 'bvadd'} {text} (bvshl {x} {number(bits, width)}))"
    return text


def factor_lemma(factor: int, width: int) -> Lemma:
    """Show that shifts and additions are a product, an identity of integers modulo ``2**width``."""
    lines = [f"(declare-fun x () (_ BitVec {width}))"]
    claim = f"(= (bvmul x {number(factor, width)}) {_shifted('x', factor, width)})"
    return decided(f"neuron: {factor} times a number is these shifts and additions in {width} bits", lines, claim=claim)


def tick_of(rule: Rule, neuron: NeuronPlan) -> NeuronTick:
    """Return a tick of a neuron; what has one value always, as its parameters do, is a constant."""
    formulas = ShiftedFormulas()
    before = {
        name: formulas.declared(name, (low, high))
        if low < high
        else Vector(number(low, signed_width(low, low)), low, low)
        for name, (low, high) in ranges_of(rule, neuron.reach).items()
    }
    after = formulas.steps(rule.steps, before)
    return NeuronTick(formulas, before, {name: after[name] for name in (*rule.registers, SPIKES)})


def by_phase(phase: str, bits: int, values: Sequence[str]) -> str:
    """Return the value of a phase: values by phase, the last one for all others."""
    text = values[-1]
    for place in range(len(values) - 2, -1, -1):
        text = f"(ite (= {phase} {number(place, bits)}) {values[place]} {text})"
    return text


def gathered_range(rule: Rule, neuron: NeuronPlan) -> Range:
    """Return the range of what a neuron has gathered."""
    gather = rule.gather.expression
    node = gather.operand if neuron.is_sum and isinstance(gather, Hold) else gather
    span = neuron.reach.of(rule.gather, node)
    return span.least, span.greatest


def gathered_at_start(rule: Rule, neuron: NeuronPlan) -> Range:
    """Return the range of what a gathering begins with."""
    span = neuron.reach.registers.get(rule.gather.target)
    return (0, 0) if span is None else (span.least, span.greatest)


def totals(heard: Sequence[tuple[Tap, int]]) -> dict[Tap, int]:
    """Return the weight of each tap, all of its synapses together."""
    found: dict[Tap, int] = {}
    for tap, weight in heard:
        found[tap] = found.get(tap, 0) + weight
    return {tap: weight for tap, weight in found.items() if weight}
