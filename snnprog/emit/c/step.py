"""The rule's steps in C: one tick of one neuron, as a list of constants, each of which is calculated once.

A name of the rule may be assigned several times in a tick; each value gets a name of its own: ``was_potential`` is the
value after the last tick, ``potential`` the first value of this one, ``potential_2`` the next. Values that nothing
reads are omitted; values that only shown states need stand between ``#ifdef`` and ``#endif``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from snnprog.emit.c.code import Sheet
from snnprog.emit.c.lean import LeanProgram
from snnprog.emit.c.ruletext import expression_text
from snnprog.emit.c.texts import NARROW, TEXTS, Piece, Place, variable_of
from snnprog.emit.c.types import INT32, INT64, IntegerType, narrowest, narrowest_signed, value_type
from snnprog.rules.expressions import Expression, Ref, Shl, children, names_in
from snnprog.rules.rule import CURRENT, POTENTIAL, SPIKES, Step
from snnprog.rules.source import is_read_first


@dataclass
class StepWriter:
    """Writes expressions of a program's rule in C, for neuron ``n``.

    Attributes
    ----------
    lean : LeanProgram
    sheet : Sheet
    neuron : str
        The variable that holds the number of the neuron.
    values : dict of str to Piece
        Name in the rule -> its latest value.
    loads : dict of Expression to (Piece, str)
        An expression of parameters alone -> its text, and the statement that loads it.
    """

    lean: LeanProgram
    sheet: Sheet
    neuron: str = "n"
    values: dict[str, Piece] = field(default_factory=dict)
    loads: dict[Expression, tuple[Piece, str]] = field(default_factory=dict)

    def expression(self, step: Step, node: Expression) -> Piece:
        """Return an expression of a step in C."""
        if names_in(node) <= self.lean.fixed and not self._is_shifted(node):
            return self._parameter(node)
        if isinstance(node, Ref):
            return self.values[node.name]
        span = self.lean.spans[step.name, node]
        place = Place(self.sheet.helpers, span.least, span.greatest)
        pieces = [self.expression(step, child) for child in children(node)]
        return TEXTS[type(node)](node, place, *pieces)

    def assign(self, step: Step) -> str:
        """Return the statement of a step; its target is the new value from then on."""
        piece = self.expression(step, step.expression)
        word = self.sheet.book.word(step.target)
        versions = sum(1 for name in self.values if name.startswith(f"{step.target}@"))
        variable = word if not versions else f"{word}_{versions + 1}"
        span = self.lean.spans[step.name, step.expression]
        self.values[f"{step.target}@{versions}"] = self.values[step.target] = variable_of(variable, span)
        number = 1 + [each.name for each in self.lean.program.chip.rule.all_steps].index(step.name)
        kind = INT64 if self.values[step.target].is_wide else INT32
        return f"const {kind.name} {variable} = {piece.as_type(kind)}; /* step {number} */"

    def _is_shifted(self, node: Expression) -> bool:
        """Return whether a parameter is shifted, and its table takes less room if the code shifts it."""
        if not isinstance(node, Shl):
            return False
        shifted, plain = self.lean.value(node), self.lean.value(node.operand)
        sizes = [value_type(int(each.min()), int(each.max())).size for each in (plain, shifted)]
        return sizes[0] < sizes[1] and bool((plain != plain[0]).any())

    def _parameter(self, node: Expression) -> Piece:
        """Return a value that depends only on parameters and constants: a number, or a table's entry."""
        if node in self.loads:
            return self.loads[node][0]
        numbers = self.lean.value(node)
        if (numbers == numbers[0]).all():
            return Piece.number(int(numbers[0]))
        low, high = int(numbers.min()), int(numbers.max())
        kind = value_type(low, high)
        word = self.sheet.book.word(min(names_in(node)))
        word = word if isinstance(node, Ref) else f"from_{word}"
        found = self.sheet.tables.array(
            word, numbers, about=f"of each neuron: {expression_text(node, self.sheet.book)}", kind=kind
        )
        variable = found.name.removeprefix(f"{self.sheet.prefix}_")
        piece = Piece(variable, low, high, is_wide=max(-low, high) > NARROW)
        wide = INT64 if piece.is_wide else INT32
        self.loads[node] = piece, f"const {wide.name} {variable} = {found.at(self.neuron)};"
        return piece


def needed(steps: Sequence[Step], at_end: frozenset[str]) -> tuple[list[bool], frozenset[str]]:
    """Return the steps that affect the values read after the last one, and the names that they read at the start."""
    live, found = set(at_end), []
    for step in reversed(steps):
        found.append(step.target in live)
        if found[-1]:
            live = live - {step.target} | names_in(step.expression)
    return found[::-1], frozenset(live)


@dataclass(frozen=True)
class Registers:
    """Where a program's registers are.

    Attributes
    ----------
    kept : tuple of str
        Those that the next tick reads, or that are read out.
    shown : tuple of str
        Those that exist only where states are shown.
    """

    kept: tuple[str, ...]
    shown: tuple[str, ...]


def registers_of(lean: LeanProgram) -> Registers:
    """Return which registers are kept from tick to tick."""
    is_read_out = {POTENTIAL} if lean.program.is_read_by_potential.any() else set()
    kept = [name for name in lean.rule.registers if is_read_first(lean.rule, name) or name in is_read_out]
    shown = [name for name in (CURRENT, POTENTIAL) if name in lean.rule.registers and name not in kept]
    return Registers(tuple(kept), tuple(shown))


def register_type(lean: LeanProgram, name: str) -> IntegerType:
    """Return the type of a register: signed, and wide enough for the gathering event by event, too."""
    gather = lean.rule.gather
    span = lean.registers.get(name)
    low, high = (span.least, span.greatest) if span else (0, 0)
    if name == gather.target and not lean.rule.is_sum:
        found = lean.spans[gather.name, Ref(name)].joined(lean.spans[gather.name, gather.expression])
        low, high = min(low, found.least), max(high, found.greatest)
    return narrowest_signed(low, high)


def neuron_lines(writer: StepWriter, *, gathered: Sequence[str], fired: str) -> list[str]:
    """Return the code of one tick of neuron ``n``, from its gathered arrivals to its spikes.

    Parameters
    ----------
    gathered : sequence of str
        The statements that make the gathering's target known; the writer's ``values`` have it already.
    fired : str
        The variable that gets its spikes.
    """
    lean, sheet, steps = writer.lean, writer.sheet, writer.lean.rule.steps
    registers = registers_of(lean)
    at_end = frozenset({SPIKES, *registers.kept})
    always, read = needed(steps, at_end)
    with_state, read_too = needed(steps, at_end | set(registers.shown))
    loads = []
    for name in registers.kept:
        if name != lean.rule.gather.target and name in read | read_too:
            word = sheet.book.word(name)
            writer.values[name] = variable_of(f"was_{word}", lean.registers[name])
            kind = INT64 if writer.values[name].is_wide else INT32
            loads.append(f"const {kind.name} was_{word} = {sheet.own(word)}[n];")
    body: list[str] = []
    plain: list[str] = []
    for step, is_always, is_shown in zip(steps, always, with_state, strict=True):
        if is_always or is_shown:
            line = writer.assign(step)
            body += [line] if is_always else for_state(sheet, [line])
            plain += [line] * is_always
    stores = [_store(writer, name, register_type(lean, name)) for name in registers.kept]
    body += stores
    for name in registers.shown:
        body += for_state(sheet, [_store(writer, name, register_type(lean, name))])
    spikes = writer.values[SPIKES]
    kind = narrowest(0, spikes.high)
    body.append(f"{fired} = ({kind.name}){spikes.inside(0)};")
    before = [*loads, *(statement for _, statement in writer.loads.values()), *gathered]
    return [*before, *_unused(before, [*plain, *stores]), *body]


def _unused(declared: Sequence[str], plain: Sequence[str]) -> list[str]:
    """Return statements against warnings about constants that only shown states use."""
    words = {word for line in plain for word in re.findall(r"\w+", line)}
    names = [found[1] for line in declared if (found := re.match(r"const \w+ (\w+) = ", line))]
    return [f"(void){name};" for name in names if name not in words]


def for_state(sheet: Sheet, lines: Sequence[str]) -> list[str]:
    """Return lines that are compiled only if states are shown."""
    return [f"#ifdef {sheet.macro('STATE')}", *lines, "#endif"]


def _store(writer: StepWriter, name: str, kind: IntegerType) -> str:
    word, piece = writer.sheet.own(writer.sheet.book.word(name)), writer.values[name]
    is_same = kind is (INT64 if piece.is_wide else INT32)
    return f"{word}[n] = {piece.text if is_same else f'({kind.name}){piece.inside(0)}'};"
