"""`prove_parts`: what a system does on every input stream, proved from its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product as choices

import numpy as np

from snnprog.arrays import Raster
from snnprog.automata import StreamClaim
from snnprog.automata.automaton import Automaton, Monitor, Row, State, Wrong, check_claim
from snnprog.calls import call_checked
from snnprog.checks import as_integer, check_type
from snnprog.display.card import BAD, GOOD, OPEN, Card, Displayed
from snnprog.exploration import PROVED, REFUTED, UNDECIDED, StreamProof, prove
from snnprog.exploration.proving import STATES
from snnprog.linking.cones import Assumption, assumptions_of
from snnprog.linking.product import JointAutomata, JointState
from snnprog.linking.search import StateSearch, searched
from snnprog.linking.system import System
from snnprog.simulate import simulate
from snnprog.wording import counted


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class PartsProof(Displayed):
    """Whether a system meets the automaton of its parts, or a claim, on every input stream; see `prove_parts`.

    Attributes
    ----------
    verdict : str
        "proved", "refuted" or "undecided".
    reason : str
        Why, in words.
    automaton : Automaton
        What the whole does: the automata of the parts, joined as the parts are.
    parts : mapping of str to StreamProof
        The proof of each part.
    assumptions : tuple of Assumption
        Whether each part gets rows that its automaton allows.
    states : int
        The joint states of automata that were explored for the claim; 0 without a claim.
    counterexample : (ticks, inputs) bool or None
        Where a claim is refuted, the shortest input stream after which the outputs are wrong.
    """

    verdict: str
    reason: str
    automaton: Automaton
    parts: Mapping[str, StreamProof]
    assumptions: tuple[Assumption, ...]
    states: int = 0
    counterexample: Raster | None = field(default=None)

    @property
    def holds(self) -> bool:
        """Whether it is proved for every input stream."""
        return self.verdict == PROVED

    def __str__(self) -> str:
        return f"{self.verdict}{' for every input stream' if self.holds else ''}: {self.reason}"

    def _summary(self) -> str:
        return str(self)

    def _card(self) -> Card:
        kinds = {PROVED: GOOD, REFUTED: BAD, UNDECIDED: OPEN}
        facts = [(name, str(proof)) for name, proof in self.parts.items()]
        return Card(
            kinds[self.verdict], facts=[*facts, *((", ".join(each.parts), str(each)) for each in self.assumptions)]
        )


@call_checked
def prove_parts(
    system: System, automata: Mapping[str, Automaton], *, claim: StreamClaim | None = None, states: int = STATES
) -> PartsProof:
    """Prove what a system does on every input stream from the automata of its parts.

    Each part is proved to meet its automaton, alone, as by `snnprog.prove`. Then each part is shown to get rows that
    its automaton allows, from the automata of those that drive it. So the system meets its automaton, which is that of
    the parts, joined as the parts are: its states are never explored together with those of the program. A claim about
    the whole is then proved of that automaton.

    Parameters
    ----------
    system : System
    automata : mapping of str to Automaton
        What each part does. Their outputs at a tick must not depend on the row of the same tick.
    claim : Automaton, or an invariant of `snnprog.never`, `snnprog.within` or `snnprog.at_most`, optional
        What the whole must do; by default only the automata of the parts are proved.
    states : int
        The most states of each search.

    Returns
    -------
    PartsProof
        ``holds`` is True where everything is proved; ``automaton`` is that of the whole.

    Raises
    ------
    SpecError
        If automata do not fit their parts, or their outputs depend on the row of the same tick.

    Examples
    --------
    >>> proof = sp.prove_parts(system, {"detector": detector.automaton, "machine": machine.automaton})
    >>> sp.prove(system.program, proof.automaton)  # the same, by exploring the program: where it is small
    """
    check_type("system", system, kind=System)
    if claim is not None:
        check_claim(claim)
    most = as_integer("states", states)
    whole, ordered = system.automaton(automata), [automata[name] for name in system.parts]
    program = system.program  # is refused where it cannot be linked
    parts = _proofs_of(system, ordered, most=most)
    failed = next((name for name, proof in parts.items() if not proof.holds), None)
    if failed is not None:
        return PartsProof(UNDECIDED, f"part {failed!r} is {parts[failed]}", whole, parts, ())
    found = tuple(assumptions_of(system.plan, ordered, most=most))
    if found and not found[-1].holds:
        return PartsProof(UNDECIDED, str(found[-1]), whole, parts, found)
    listed = ", ".join(f"{name} ({counted(proof.states, 'state')})" for name, proof in parts.items())
    joined = sum(each.search.states for each in found if each.cone)
    reason = f"each part meets its automaton, {listed}, and gets what it expects" + (
        f" ({counted(joined, 'joint state')} of automata)" if joined else ""
    )
    if claim is None:
        return PartsProof(PROVED, reason, whole, parts, found)
    monitor = claim.monitor(program)
    search = _claimed(JointAutomata(system.plan, ordered), monitor, most=most)
    verdict, words = _verdict(system, monitor, search)
    counterexample = search.raster if verdict == REFUTED else None
    return PartsProof(
        verdict,
        words or f"{reason}; the claim follows in {counted(search.states, 'joint state')}",
        whole,
        parts,
        found,
        search.states,
        counterexample,
    )


def _proofs_of(system: System, automata: Sequence[Automaton], *, most: int) -> dict[str, StreamProof]:
    """Return the proof of each part; the same program with the same automaton is proved once."""
    known: dict[tuple[int, int], StreamProof] = {}
    found = {}
    for (name, program), automaton in zip(system.parts.items(), automata, strict=True):
        key = id(program), id(automaton)
        if key not in known:
            known[key] = prove(program, automaton, states=most)
        found[name] = known[key]
    return found


def _claimed(product: JointAutomata, monitor: Monitor, *, most: int) -> StateSearch:
    """Search the joint states of automata and a claim for one in which the claim is wrong."""

    def moves(node: tuple[JointState, State]) -> Iterator[tuple[Row, tuple[JointState, State] | str]]:
        state, at = node
        for answers in product.answers(state):
            outputs = product.outputs(state, answers)
            allowed = set(product.rows(state, answers))
            for row in monitor.rows(at):
                if row not in allowed:
                    part = product.opposed(state, answers, row)
                    yield row, f"the claim allows a row that part {part!r} does not expect"
                    continue
                after = product.after(state, answers, row)
                for spikes in choices(*((False, True) if each is None else (each,) for each in outputs)):
                    then = monitor.after(at, row, spikes)
                    yield row, WRONG_OUTPUTS if isinstance(then, Wrong) else (after, then)

    return searched((product.start, monitor.start), moves, most=most)


WRONG_OUTPUTS = "the outputs are wrong"


def _verdict(system: System, monitor: Monitor, search: StateSearch) -> tuple[str, str]:
    """Return the verdict about a claim, and why; no words where it is proved."""
    if search.is_closed:
        return PROVED, ""
    if not search.fault:
        return UNDECIDED, f"{counted(search.states, 'joint state')} of automata were explored, and there are more"
    names = system.plan.input_names
    shown = StreamProof(REFUTED, "", 0, 0, counterexample=search.raster, input_names=names).stream
    if search.fault != WRONG_OUTPUTS:
        return UNDECIDED, f"at tick {len(search.stream) - 1} of the input stream {shown}, {search.fault}"
    if _is_wrong(system, monitor, search.stream):
        return REFUTED, f"at tick {len(search.stream) - 1} of the input stream {shown}, {WRONG_OUTPUTS}"
    return UNDECIDED, f"the automata leave open what the outputs do on the input stream {shown}"


def _is_wrong(system: System, monitor: Monitor, stream: Sequence[Row]) -> bool:
    """Return whether the program itself does not meet the claim on a stream."""
    at: State | Wrong = monitor.start
    raster = np.array(stream, np.bool_).reshape(len(stream), -1)
    spikes = simulate(system.program, [raster])[0].spikes
    for row, fired in zip(stream, spikes.tolist(), strict=True):
        if not isinstance(at, Wrong):
            at = monitor.after(at, row, tuple(fired))
    return isinstance(at, Wrong)
