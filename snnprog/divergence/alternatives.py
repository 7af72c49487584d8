"""The rules that runtimes are known, or easily come, to compute instead of the chip's: one entry each.

Seen in runtimes of Loihi: floor instead of truncation, a decay without its offset, an accumulator of 21 bits, no wrap
or clip (brian2-loihi), weights made even because one of them is negative (Lava), a synapse of too long a delay that
vanishes (Lava), spikes in flight that outlive the pattern (Lava's LIFReset), no biases or delays at all, a potential
that is read one tick late (SLAYER's record). The others are the slips of whoever writes a simulator.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TypeVar

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Chip
from snnprog.divergence.rule import Neurons, Rule, Synapses
from snnprog.divergence.rules import AnyRule
from snnprog.divergence.shift_rule import ShiftNeurons, ShiftRule
from snnprog.program import Program
from snnprog.simulate.reference import clip_potential, wrap_current

REST, STATE, SPIKES, EVERYTHING = "rest", "state", "spikes", "everything"

KindOfRule = TypeVar("KindOfRule", Rule, ShiftRule)
KindOfNeurons = TypeVar("KindOfNeurons", Neurons, ShiftNeurons)
KindOfParts = TypeVar("KindOfParts", Synapses, Neurons, ShiftNeurons)


@dataclass(frozen=True)
class Alternative:
    """A rule that is not the chip's.

    Attributes
    ----------
    aspect, name, text : str
        As in `snnprog.divergence.Cause`.
    rule : Rule
    start : str
        What a pattern inherits from the one before: nothing ("rest"), "state", "spikes" in flight, or "everything".
    shows_reached : bool
        Whether the potential is recorded before the reset.
    state_lag, spike_lag : int
        How many ticks late states and spikes are recorded.
    """

    aspect: str
    name: str
    text: str
    rule: AnyRule
    start: str = REST
    shows_reached: bool = False
    state_lag: int = 0
    spike_lag: int = 0

    @property
    def is_local(self) -> bool:
        """Whether the state after one tick is all that it needs for the next."""
        return self.start == REST and not (self.state_lag or self.spike_lag)


def alternatives(rule: Rule, program: Program) -> list[Alternative]:
    """Return those that can make a difference on a program, and of those that make the same one, the narrowest."""
    chip = program.chip
    families = (_roundings, _factors, _overflows, delays, _firing, biases, weights, _orders)
    every = [each for family in families for each in family(rule, chip)] + starts(rule) + records(rule)
    parts = Synapses.of(program), Neurons.of(program, chip.semantics)
    own = _effect(Alternative("", "", "", rule), program.n_inputs, *parts)
    distinct: dict[tuple[object, ...], Alternative] = {}
    for each in every:
        distinct.setdefault(_effect(each, program.n_inputs, *parts), each)
    return [each for effect, each in distinct.items() if effect != own]


def _effect(each: Alternative, n_inputs: int, synapses: Synapses, neurons: Neurons) -> tuple[object, ...]:
    """Return what tells an alternative from another on a program; a decay of all or nothing needs no rounding."""
    rule = each.rule
    assert isinstance(rule, Rule), "made from Loihi's rule"
    wired, tuned = rule.wire(synapses, n_inputs), rule.tune(neurons)
    rounded = [
        scale if (factor % (1 << rule.decay_bits)).any() else None
        for scale, factor in (
            (rule.scale_current, tuned.current_factor),
            (rule.scale_potential, tuned.potential_factor),
        )
    ]
    changes = [*changes_of(synapses, wired), *changes_of(neurons, tuned)]
    steps = [rule.hold_arrivals, rule.hold_current, rule.hold_potential, rule.fires, rule.reset]
    flags = [rule.do_arrivals_decay, rule.is_current_late]
    record = [each.start, each.shows_reached, each.state_lag, each.spike_lag]
    return (*rounded, *changes, *steps, *flags, *record)


def changes_of(before: KindOfParts, after: KindOfParts) -> Iterator[bytes]:
    """Yield a digest of each array that has changed, and nothing of the others."""
    for field in fields(before):
        own, other = getattr(before, field.name), getattr(after, field.name)
        yield b"" if own is other or np.array_equal(own, other) else hashlib.sha256(other.tobytes()).digest()


# ------------------------------------------------------------------------------------------------------------ rounding


def scale_down(values: Int64s, factor: Int64s, bits: int) -> Int64s:
    """Return ``values * factor / 2**bits``, rounded down."""
    scaled: Int64s = (values * factor) >> bits
    return scaled


def scale_to_nearest(values: Int64s, factor: Int64s, bits: int) -> Int64s:
    """Return ``values * factor / 2**bits``, rounded to the nearest, half away from zero."""
    scaled: Int64s = np.sign(values) * ((np.abs(values) * factor + (1 << (bits - 1))) >> bits)
    return scaled


def scale_up(values: Int64s, factor: Int64s, bits: int) -> Int64s:
    """Return ``values * factor / 2**bits``, rounded away from zero."""
    scaled: Int64s = -np.sign(values) * ((-np.abs(values) * factor) >> bits)
    return scaled


ROUNDINGS = {
    "floors": ("down", scale_down),
    "rounds to nearest": ("to the nearest", scale_to_nearest),
    "rounds away": ("away from zero", scale_up),
}


def _roundings(rule: Rule, chip: Chip) -> list[Alternative]:
    found = []
    for verb, (direction, scale) in ROUNDINGS.items():
        text = f"rounds the decay of the {{}} {direction}, not toward zero"
        current, potential = replace(rule, scale_current=scale), replace(rule, scale_potential=scale)
        both = replace(current, scale_potential=scale)
        found += [
            Alternative("rounding", f"current decay {verb}", text.format("current"), current),
            Alternative("rounding", f"potential decay {verb}", text.format("potential"), potential),
            Alternative("rounding", f"both decays {verb}", text.format("current and of the potential"), both),
        ]
    return found


def _factors(rule: Rule, chip: Chip) -> list[Alternative]:
    offset = chip.semantics.current_decay_offset
    return [
        Alternative(
            "rounding", "current decay without offset", f"leaves out the {offset} that is added to the current's decay",
            replace(rule, tune=lambda neurons: replace(neurons, current_factor=neurons.current_factor + offset)),
        ),
        Alternative(
            "rounding", "potential decay with offset", "adds 1 to the potential's decay, as to the current's",
            replace(rule, tune=lambda neurons: replace(neurons, potential_factor=neurons.potential_factor - 1)),
        ),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ overflow


def unlimited(values: Int64s) -> Int64s:
    """Return the values as they are."""
    return values


def wrap_twos_complement(values: Int64s, bits: int) -> Int64s:
    """Return the values folded into ``[-2**bits, 2**bits)``."""
    half = 1 << bits
    wrapped: Int64s = (values + half) % (2 * half) - half
    return wrapped


def clip_twos_complement(values: Int64s, bits: int) -> Int64s:
    """Return the values limited to ``-2**bits .. 2**bits - 1``."""
    return np.clip(values, -(1 << bits), (1 << bits) - 1)


def _overflows(rule: Rule, chip: Chip) -> list[Alternative]:
    current, potential = chip.semantics.current_bits, chip.semantics.potential_bits
    arrival = chip.arrival_limit.bit_length() - 1
    holds: list[tuple[str, str, str, Callable[[Int64s], Int64s]]] = [
        ("hold_current", "current not wrapped", f"does not wrap the current at {current} bits", unlimited),
        ("hold_current", "current clipped", f"clips the current at {current} bits, and does not wrap it",
         partial(clip_potential, bits=current)),
        ("hold_current", "current wraps at the other end", f"wraps a current of 2**{current} itself to its negative",
         partial(wrap_twos_complement, bits=current)),
        ("hold_potential", "potential not clipped", f"does not clip the potential at {potential} bits", unlimited),
        ("hold_potential", "potential wraps", f"wraps the potential at {potential} bits, and does not clip it",
         partial(wrap_current, bits=potential)),
        ("hold_potential", "potential clipped at the other end", f"clips the potential at -2**{potential}, one lower",
         partial(clip_twos_complement, bits=potential)),
        ("hold_arrivals", "arrivals not wrapped", "does not hold what arrives in 32 bits", unlimited),
        ("hold_arrivals", "arrivals clipped", f"clips what arrives at {arrival} bits",
         partial(clip_potential, bits=arrival)),
        ("hold_arrivals", "arrivals wrapped", f"wraps what arrives at {arrival} bits",
         partial(wrap_twos_complement, bits=arrival)),
    ]  # fmt: skip
    return [Alternative("overflow", name, text, replace(rule, **{step: hold})) for step, name, text, hold in holds]  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------------------- delay


def delays(rule: KindOfRule, chip: Chip) -> list[Alternative]:
    """Return those of delays: on any chip."""
    found = []
    for shift, direction in ((1, "late"), (-1, "early")):
        for which, hears in (("inputs", (True, False)), ("neurons", (False, True)), ("all spikes", (True, True))):
            whose = which if which == "all spikes" else f"spikes of {which}"
            text = f"delivers {whose} one tick {direction}"
            wire = partial(_delay_by, shift=shift, inputs=hears[0], neurons=hears[1])
            found.append(Alternative("delay", f"{which} one tick {direction}", text, replace(rule, wire=wire)))
    texts = {
        "longest delay lost": ("loses the spikes over the synapses of the longest delay", _without_longest),
        "delays ignored": ("takes every delay as 1", _without_delays),
    }
    return found + [Alternative("delay", name, text, replace(rule, wire=wire)) for name, (text, wire) in texts.items()]


def _delay_by(synapses: Synapses, n_inputs: int, *, shift: int, inputs: bool, neurons: bool) -> Synapses:
    is_input = synapses.pre < n_inputs
    shifted = synapses.delay + shift * np.where(is_input, inputs, neurons)
    return replace(synapses, delay=np.maximum(shifted, np.where(is_input, 0, 1)))


def _without_longest(synapses: Synapses, n_inputs: int) -> Synapses:
    longest = synapses.delay.max(initial=1)
    return replace(synapses, weight=np.where(synapses.delay == longest, 0, synapses.weight))


def _without_delays(synapses: Synapses, n_inputs: int) -> Synapses:
    return replace(synapses, delay=np.ones_like(synapses.delay))


# ---------------------------------------------------------------------------------------- comparison, reset and biases

Reset = tuple[Int64s, Int64s]


def no_reset(current: Int64s, potential: Int64s, threshold: Int64s, spikes: Raster) -> Reset:
    """Leave all as it is."""
    return current, potential


def reset_by_subtraction(current: Int64s, potential: Int64s, threshold: Int64s, spikes: Raster) -> Reset:
    """Take the threshold off the potential."""
    return current, np.where(spikes, potential - threshold, potential)


def reset_current_too(current: Int64s, potential: Int64s, threshold: Int64s, spikes: Raster) -> Reset:
    """Bring the current to zero, too."""
    return np.where(spikes, 0, current), np.where(spikes, 0, potential)


def _firing(rule: Rule, chip: Chip) -> list[Alternative]:
    return [
        Alternative(
            "compare", "fires at the threshold", "fires where the potential equals the threshold (>=, not >)",
            replace(rule, fires=operator.ge),
        ),
        Alternative("reset", "no reset", "does not reset the potential after a spike", replace(rule, reset=no_reset)),
        Alternative(
            "reset", "reset by subtraction", "subtracts the threshold after a spike, and does not reset to zero",
            replace(rule, reset=reset_by_subtraction),
        ),
        Alternative(
            "reset", "current reset", "resets the current after a spike, too", replace(rule, reset=reset_current_too)
        ),
        *_refractory(rule),
    ]  # fmt: skip


def _refractory(rule: Rule) -> list[Alternative]:
    tunes: dict[str, tuple[str, Callable[[Int64s], Int64s]]] = {
        "refractory": ("for one more tick after a spike", lambda ticks: ticks + 1),
        "refractory missing": ("for no tick after a spike, refractory or not", np.ones_like),
        "refractory short": ("for one tick less after a spike", lambda ticks: np.maximum(ticks - 1, 1)),
    }
    return [
        Alternative(
            "reset", name, f"holds the potential at zero {text}", replace(rule, tune=partial(_held, change=change))
        )
        for name, (text, change) in tunes.items()
    ]


def _held(neurons: Neurons, change: Callable[[Int64s], Int64s]) -> Neurons:
    return replace(neurons, refractory=change(neurons.refractory))


def biases(rule: KindOfRule, chip: Chip) -> list[Alternative]:
    """Return those of biases: on any chip."""
    tunes: dict[str, tuple[str, Callable[[Int64s], Int64s]]] = {
        "bias missing": ("leaves out the bias", np.zeros_like),
        "bias negated": ("subtracts the bias", np.negative),
        "bias twice": ("adds the bias twice", lambda bias: 2 * bias),
        "bias unscaled": ("adds the bias's mantissa without its exponent", partial(_mantissa, chip=chip)),
    }
    return [
        Alternative("bias", name, text, replace(rule, tune=partial(_with_bias, change=change)))
        for name, (text, change) in tunes.items()
    ]


def _with_bias(neurons: KindOfNeurons, change: Callable[[Int64s], Int64s]) -> KindOfNeurons:
    return replace(neurons, bias=change(neurons.bias))


def _mantissa(bias: Int64s, chip: Chip) -> Int64s:
    """Return each bias's mantissa where its exponent is the least that it can have."""
    mantissa = bias.copy()
    for _ in range(chip.bias_exponents[1]):
        mantissa = np.where(np.abs(mantissa) > chip.bias_mantissas[1], mantissa >> 1, mantissa)
    return mantissa


# ------------------------------------------------------------------------------------------------------------- weights


def weights(rule: KindOfRule, chip: Chip) -> list[Alternative]:
    """Return those of weights: on any chip."""
    wires: list[tuple[str, str, str, Callable[[Synapses, int], Synapses]]] = [
        ("weight", "weights floored to even", "holds all weights in the mixed format: odd ones become the next lower",
         partial(_with_weight, change=lambda weight: weight - weight % 2)),
        ("weight", "weights truncated to even", "holds all weights in the mixed format: odd ones lose 1 of magnitude",
         partial(_with_weight, change=lambda weight: np.sign(weight) * (np.abs(weight) // 2 * 2))),
        ("weight", "parallel synapses overwritten", "keeps only the last of synapses between the same two and delay",
         _last_of_parallel),
        ("weight", "exponents ignored", "adds weights without their exponent",
         lambda synapses, n_inputs: replace(synapses, exponent=np.zeros_like(synapses.exponent))),
        ("sign", "negative weights positive", "takes negative weights as positive",
         partial(_with_weight, change=np.abs)),
        ("sign", "weights negated", "takes the negative of every weight", partial(_with_weight, change=np.negative)),
        ("sign", "negative weights lost", "leaves out negative weights",
         partial(_with_weight, change=lambda weight: np.maximum(weight, 0))),
    ]  # fmt: skip
    return [Alternative(aspect, name, text, replace(rule, wire=wire)) for aspect, name, text, wire in wires]


def _with_weight(synapses: Synapses, n_inputs: int, change: Callable[[Int64s], Int64s]) -> Synapses:
    return replace(synapses, weight=change(synapses.weight))


def _last_of_parallel(synapses: Synapses, n_inputs: int) -> Synapses:
    keys = np.stack([synapses.pre, synapses.post, synapses.delay])[:, ::-1]
    _, last = np.unique(keys, axis=1, return_index=True)
    is_kept = np.zeros(synapses.pre.size, np.bool_)
    is_kept[synapses.pre.size - 1 - last] = True
    return replace(synapses, weight=np.where(is_kept, synapses.weight, 0))


# ----------------------------------------------------------------------------------------- order, start and the record


def _orders(rule: Rule, chip: Chip) -> list[Alternative]:
    return [
        Alternative(
            "order", "late current", "adds the current of the tick before to the potential",
            replace(rule, is_current_late=True),
        ),
        Alternative(
            "order", "arrivals decay", "lets what arrives decay in the tick of its arrival",
            replace(rule, do_arrivals_decay=True),
        ),
    ]  # fmt: skip


def starts(rule: AnyRule) -> list[Alternative]:
    """Return those of what a pattern inherits: on any chip."""
    texts = {
        STATE: "keeps currents and potentials of the pattern before",
        SPIKES: "delivers spikes that were under way when the pattern before ended",
        EVERYTHING: "goes on where the pattern before ended",
    }
    return [Alternative("start", f"{what} kept", text, rule, start=what) for what, text in texts.items()]


def records(rule: AnyRule) -> list[Alternative]:
    """Return those of what is recorded when: on any chip."""
    return [
        Alternative(
            "record", "potential before reset", "records the potential before the reset", rule, shows_reached=True
        ),
        Alternative("record", "states one tick late", "records states one tick late", rule, state_lag=1),
        Alternative("record", "states one tick early", "records states one tick early", rule, state_lag=-1),
        Alternative("record", "spikes one tick late", "records spikes one tick late", rule, spike_lag=1),
        Alternative("record", "spikes one tick early", "records spikes one tick early", rule, spike_lag=-1),
    ]
