"""The sizes of cores, and the layout of their memories.

Every memory is written by one port as words of 32 bits at flat addresses: the lowest `PLACE_BITS` name the word, the
next `MEMORY_BITS` the memory, and the highest the core.

=======  ==========  =====================================================================================
memory   name        word
=======  ==========  =====================================================================================
0        synapses    post, delay, weight (two's complement), exponent, from the lowest bit on
1        lines       first synapse (lower half), and the one after the last (upper half), of a line
2, …     columns     the parameters of a neuron, as many columns as it takes
then     states      the registers of a neuron; read by the peek port, never written from outside
15       outputs     one word: how many of the core's neurons are read out; only where there are several cores
=======  ==========  =====================================================================================

Line ``k`` of a core is its neuron ``k``, and line ``neurons + i`` is what it hears from outside under the number ``i``:
input ``i``, and, where there are several cores, neuron ``k`` of core ``c`` as number ``inputs + c * neurons + k``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from amaranth import Shape, signed, unsigned

from snnprog.chips import Chip
from snnprog.emit.hardware.arithmetic import shape_of
from snnprog.emit.hardware.protocol import ADDRESS_BITS, END_OF_EVENTS, WORD_BITS
from snnprog.emit.hardware.step import reach_in_hardware, span_of
from snnprog.errors import SpecError
from snnprog.rules.expressions import Add, End, Hold, Mul, Ref, names_in
from snnprog.rules.ranges import Reach
from snnprog.rules.rule import COUNT, WEIGHT, Rule

PLACE_BITS, MEMORY_BITS = 16, 4
MOST_CORES = 1 << ADDRESS_BITS - MEMORY_BITS - PLACE_BITS
SYNAPSES, LINES, COLUMNS, OUTPUTS = 0, 1, 2, 15
MOST_COUNT = 255
"""How often a line can spike in a tick at most: a byte."""
IS_OUTPUT, IS_LAST = "is_output", "is_last"
"""Flags of a neuron, beside its parameters: whether it is read out, and whether it is the program's last one."""


@dataclass(frozen=True)
class CoreSize:
    """The size of a core, and the number of cores.

    Attributes
    ----------
    neurons, synapses : int
        Of each core; powers of two.
    inputs : int
        Which every core hears; a power of two.
    longest_delay : int
        In ticks; one less than a power of two.
    most_arriving : int
        The greatest magnitude of what may come together at a neuron in a tick: a power of two.
    cores : int
        Which send each other their spikes; 1 is a core alone.
    """

    neurons: int = 256
    inputs: int = 256
    synapses: int = 16384
    longest_delay: int = 63
    most_arriving: int = 1 << 18
    cores: int = 1

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in ("neurons", "inputs", "synapses", "most_arriving")}
        values["longest_delay + 1"] = self.longest_delay + 1
        for name, value in values.items():
            if value < 2 or value & (value - 1):
                raise SpecError(f"{name} of a core must be a power of two of at least 2, got {value}")
        if self.synapses > 1 << PLACE_BITS:
            raise SpecError(f"synapses of a core must be at most {1 << PLACE_BITS}, got {self.synapses}")
        if not 1 <= self.cores <= MOST_CORES:
            raise SpecError(f"there must be 1 to {MOST_CORES} cores, got {self.cores}")
        if self.neurons + self.heard > END_OF_EVENTS:
            lines = self.neurons + self.heard
            raise SpecError(f"lines of a core, its neurons included, must be at most {END_OF_EVENTS}, got {lines}")

    @property
    def heard(self) -> int:
        """The lines that a core receives: inputs, and the neurons of all cores if there are several."""
        return self.inputs if self.cores == 1 else self.inputs + self.cores * self.neurons


@dataclass(frozen=True)
class Field:
    """Some bits of a word.

    Attributes
    ----------
    word : int
        Which column it is in; 0 where there is one only.
    first : int
        Its lowest bit.
    shape : amaranth.Shape
    """

    word: int
    first: int
    shape: Shape

    @property
    def mask(self) -> int:
        """The mask of the field: a one for each bit."""
        return (1 << int(self.shape.width)) - 1

    def bits_of(self, value: int) -> int:
        """Return the bits of a value in the word."""
        return (value & self.mask) << self.first

    def value_in(self, word: int) -> int:
        """Return the value that a word holds."""
        value = word >> self.first & self.mask
        return value - self.mask - 1 if self.shape.signed and value > self.mask >> 1 else value


def packed(shapes: Mapping[str, Shape]) -> dict[str, Field]:
    """Return the places of fields in words of `WORD_BITS`: the widest first, each in the first word with room."""
    used: list[int] = []
    fields = {}
    for name, shape in sorted(shapes.items(), key=lambda item: -item[1].width):
        word = next((index for index, bits in enumerate(used) if bits + shape.width <= WORD_BITS), len(used))
        used += [0] * (word == len(used))
        fields[name] = Field(word, used[word], shape)
        used[word] += shape.width
    return fields


def word_widths(fields: Mapping[str, Field]) -> list[int]:
    """Return the number of bits of each word of packed fields."""
    words = 1 + max(field.word for field in fields.values())
    return [
        max(field.first + field.shape.width for field in fields.values() if field.word == word) for word in range(words)
    ]


@dataclass(frozen=True)
class CorePlan:
    """The memories of a core for one chip's rule.

    Attributes
    ----------
    chip : Chip
    size : CoreSize
    """

    chip: Chip
    size: CoreSize

    def __post_init__(self) -> None:
        rule = self.chip.rule
        if not (rule.is_sum or _holds_a_sum(rule)):
            raise SpecError(
                f"step {rule.gather.name!r} of rule {rule.name} must be a sum, or clip or wrap one, for a core to do it"
            )
        if self.most_spikes > MOST_COUNT:
            raise SpecError(
                f"a neuron of rule {rule.name} may spike {self.most_spikes} times in a tick, and a core counts to"
                f" {MOST_COUNT}; run programs of this rule on another backend"
            )
        if self.is_ordered and self.size.cores > 1:
            raise SpecError(
                f"rule {rule.name} gathers events in their order, which several cores do not keep; use one core"
            )
        if len(word_widths(self.synapse)) > 1:
            raise SpecError(
                f"a synapse of {self.chip.name} does not fit a word of {WORD_BITS} bits; make the core smaller, or its"
                " longest delay shorter"
            )

    @cached_property
    def reach(self) -> Reach:
        """The ranges of the rule's values, with the most arrivals for the core's size."""
        most = self.size.most_arriving
        return reach_in_hardware(self.chip.rule, arriving=(-most, most - 1))

    @property
    def most_spikes(self) -> int:
        """How often a neuron can spike in a tick."""
        fire = self.chip.rule.fire
        return self.reach.of(fire, fire.expression).greatest

    @property
    def is_ordered(self) -> bool:
        """Whether the core is one that gathers events in their order, and counts how often a line spikes."""
        return not self.chip.rule.is_sum or self.most_spikes > 1

    @property
    def longest_delay(self) -> int:
        """The longest delay that the core can do: a core that keeps the order of events does 1 only."""
        return 1 if self.is_ordered else self.size.longest_delay

    @cached_property
    def weights(self) -> tuple[int, int]:
        """The least and the greatest weight, exponent not applied."""
        ranges = self.chip.weight_ranges
        ends = [end for each in (ranges.mixed, ranges.excitatory, ranges.inhibitory) for end in each]
        return min(ends), max(ends)

    @cached_property
    def synapse(self) -> dict[str, Field]:
        """The fields of a synapse, in order from the lowest bit."""
        low, high = self.weights
        shapes = {
            "post": unsigned(bits_for(self.size.neurons)),
            "delay": unsigned(bits_for(self.size.longest_delay + 1)),
            "weight": signed(max((~low).bit_length(), high.bit_length()) + 1),
            "exponent": unsigned(self.chip.exponents[1].bit_length()),
        }
        fields, first = {}, 0
        for name, shape in shapes.items():
            fields[name] = Field(max(first + shape.width - 1, 0) // WORD_BITS, first, shape)
            first += shape.width
        return fields

    @cached_property
    def parameters(self) -> dict[str, Field]:
        """The places of the parameters of a neuron, the constants of the rule and the flags."""
        rule = self.chip.rule
        spans = {each.name: (each.low, each.high) for each in rule.parameters}
        spans |= {
            each.name: (min(each.hidden, each.readout), max(each.hidden, each.readout)) for each in rule.constants
        }
        read = {name for step in rule.steps for name in names_in(step.expression)}
        shapes = {name: shape_of(span_of(ends)) for name, ends in spans.items() if name in read}
        return packed(shapes | {IS_OUTPUT: unsigned(1), IS_LAST: unsigned(1)})

    @cached_property
    def states(self) -> dict[str, Field]:
        """Where the registers of a neuron stand: those that are stored, and the one that events are gathered in."""
        target = self.gathering
        if target is None:
            return self.stored
        return self.stored | {target: Field(self.state_words, 0, shape_of(self.reach.registers[target]))}

    @cached_property
    def stored(self) -> dict[str, Field]:
        """Where the registers of a neuron stand that nothing but its own step changes."""
        spans = self.reach.registers.items()
        return packed({name: shape_of(span) for name, span in spans if name != self.gathering})

    @property
    def gathering(self) -> str | None:
        """The register that events are gathered in, in their order; None where they are added up by themselves."""
        target = self.chip.rule.gather.target
        return target if self.is_ordered and target in self.chip.rule.registers else None

    @property
    def state_words(self) -> int:
        """How many memories the stored registers take."""
        return len(word_widths(self.stored))

    @property
    def first_state(self) -> int:
        """The number of the first memory of states."""
        return COLUMNS + len(word_widths(self.parameters))


def _holds_a_sum(rule: Rule) -> bool:
    """Tell whether a rule's gathering clips or wraps the sum of its target and what an event adds."""
    found, added = rule.gather.expression, Add(Ref(rule.gather.target), Mul(Ref(WEIGHT), Ref(COUNT)))
    return isinstance(found, Hold) and found.end in (End.CLIP, End.WRAP) and found.operand == added


def bits_for(count: int) -> int:
    """Return the number of bits that number ``count`` things."""
    return max((count - 1).bit_length(), 1)


def address_of(memory: int, place: int, *, core: int = 0) -> int:
    """Return the flat address of a word."""
    return (core << MEMORY_BITS | memory) << PLACE_BITS | place
