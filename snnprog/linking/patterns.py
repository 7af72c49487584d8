"""Patterns of a system, from those of its parts.

A part is exact on the patterns of its spec. Where what its wires carry is among them, it is exact in the system, too.
So patterns of parts that agree about every wire, one of each part, are a pattern of the system on which it is exact. A
program is causal: patterns are compared, and cut, at the end of the shortest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from snnprog.arrays import Raster
from snnprog.errors import SpecError
from snnprog.linking.plan import SYSTEM, Joint, Plan, Source
from snnprog.spec import Pattern, Spec

MOST_PATTERNS = 1 << 12
"""The most patterns of a system. A choice: they are compared one by one."""


def linked_patterns(plan: Plan, specs: Mapping[str, Spec]) -> list[Pattern]:
    """Return every pattern of a system that follows from patterns of its parts.

    Raises
    ------
    SpecError
        If there is none, or more than `MOST_PATTERNS`.
    """
    for name, spec in specs.items():
        if tuple(spec.window) != (0, 0):
            raise SpecError(f"the spec of part {name!r} must have no window, got {spec.window}: its spikes may move")
    found = []
    for chosen in _agreeing(plan, list(specs.values()), []):
        found.append(_joined(plan, chosen))
        if len(found) > MOST_PATTERNS:
            raise SpecError(
                f"the specs of the parts must give at most {MOST_PATTERNS:,} patterns of the system, got more"
            )
    if not found:
        raise SpecError(
            "no patterns of the parts agree about their wires: what a wire carries must be among the patterns of the"
            " part that reads it"
        )
    return found


def _agreeing(plan: Plan, specs: Sequence[Spec], chosen: list[Pattern]) -> Iterator[list[Pattern]]:
    """Yield one pattern of each part, wherever they agree about all wires and shared inputs."""
    if len(chosen) == len(specs):
        yield chosen
        return
    for pattern in specs[len(chosen)].patterns:
        more = [*chosen, pattern]
        if _agree(plan, more):
            yield from _agreeing(plan, specs, more)


def _agree(plan: Plan, chosen: Sequence[Pattern]) -> bool:
    """Return whether patterns of the first parts agree."""
    ticks = min(pattern.ticks for pattern in chosen)
    inputs: dict[Source, Raster] = {}
    for part, pattern in enumerate(chosen):
        for line, joint in enumerate(plan.lines[part]):
            heard, source = pattern.inputs[:ticks, line], joint.source
            if heard[: joint.further].any():
                return False
            sent, known = heard[joint.further :], max(0, ticks - joint.further)
            if source.part == SYSTEM:
                before = inputs.get(source, sent)
                shorter = min(len(before), known)
                if not np.array_equal(before[:shorter], sent[:shorter]):
                    return False
                inputs[source] = max(before, sent, key=len)
            elif source.part < len(chosen) and not _sends(chosen[source.part], source.index, sent):
                return False
    return True


def _sends(pattern: Pattern, output: int, train: Raster) -> bool:
    """Return whether an output must do exactly this, at every tick."""
    ticks = len(train)
    must = np.array_equal(pattern.targets[:ticks, output], train)
    return must and bool(pattern.care[:ticks, output].all())


def _joined(plan: Plan, chosen: Sequence[Pattern]) -> Pattern:
    """Return the pattern of the system; inputs that nothing reads before its end are silent."""
    ticks = min(pattern.ticks for pattern in chosen)
    inputs = np.zeros((ticks, len(plan.input_names)), np.bool_)
    for part, pattern in enumerate(chosen):
        for line, joint in enumerate(plan.lines[part]):
            if joint.source.part == SYSTEM:
                sent = pattern.inputs[joint.further : ticks, line]
                inputs[: len(sent), joint.source.index] |= sent
    targets = [_output(chosen, joint, ticks) for joint in plan.outputs]
    return Pattern(inputs, *(np.stack(each, axis=1) for each in zip(*targets, strict=True)))


def _output(chosen: Sequence[Pattern], joint: Joint, ticks: int) -> tuple[Raster, Raster]:
    """Return what an output of the system must do, and where it counts."""
    pattern, index = chosen[joint.source.part], joint.source.index
    later = min(joint.further, ticks)
    targets = np.concatenate([np.zeros(later, np.bool_), pattern.targets[: ticks - later, index]])
    return targets, np.concatenate([np.ones(later, np.bool_), pattern.care[: ticks - later, index]])
