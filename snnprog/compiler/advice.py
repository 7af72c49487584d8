"""Advice for specs that cannot be built: the options that the spec and its chip leave to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from snnprog.conflict import Conflict
from snnprog.spec import FREE, Spec
from snnprog.spec.options import NO_WINDOW
from snnprog.wording import counted


def advice(spec: Spec) -> str:
    """Return the end of a sentence: the first things to try."""
    fixed = ["threshold"] if spec.threshold != FREE else []
    fixed += ["bias"] if spec.bias not in (FREE, 0) else []
    if spec.weight_bits is not None and not fixed:
        return f"allow more than {counted(spec.weight_bits, 'weight bit')}, or {other_means(spec)}"
    return f"leave the {' and the '.join(fixed)} free" if fixed else other_means(spec)


def other_means(spec: Spec) -> str:
    """Return the end of a sentence: what to try if no option is fixed."""
    bias = "" if spec.bias == FREE else ", or bias='free'"
    more = "allow more delays, a slower potential" if _has_delays(spec) else "add inputs, try other decays"
    return f"{more}{bias}" if bias else more.replace(", ", ", or ")


def everything(spec: Spec, conflicts: Iterable[Conflict] = ()) -> str:
    """Return all that may help, separated by commas.

    Of conflicts before any input, and of those between patterns with the same inputs, only what helps there.
    """
    conflicts, care = tuple(conflicts), bool(spec.care.all())
    targets = {"a window": spec.window == NO_WINDOW, "don't-care bins": care}
    if conflicts and spec.robust is None:
        if all(_is_before_inputs(spec, each) for each in conflicts):
            return _listed({"a free bias": spec.bias != FREE, "earlier inputs": True} | targets)
        if all(_is_of_equal_inputs(spec, each) for each in conflicts):
            return _listed({"inputs that differ before that tick": True, "equal targets": True} | targets)
    means = {
        "less noise": spec.noise > 0,
        "a free threshold": spec.threshold != FREE,
        "a free bias": spec.bias != FREE,
        "more weight bits": spec.weight_bits is not None,
        "greater weights": spec.weight_limit is not None,
        "inputs of either sign": spec.signs is not None and any(spec.signs),
        "a higher fan_in": spec.fan_in is not None,
        "more delays": _has_delays(spec),
        "more inputs": True,
        "other decays": True,
        **targets,
        'hidden = "auto"': spec.hidden == 0,
    }
    return _listed(means)


def _listed(means: Mapping[str, bool]) -> str:
    return ", ".join(name for name, is_left in means.items() if is_left)


def _is_before_inputs(spec: Spec, conflict: Conflict) -> bool:
    """Return whether a conflict is one spike that even the chip's shortest delay has no input for."""
    pattern = spec.patterns[conflict.pattern]
    arrived = max(conflict.tick - spec.chip.delays[0] + 1, 0)
    is_silent = not pattern.inputs[:arrived].any() and not (spec.recurrent and pattern.targets[:arrived].any())
    return len(conflict.bins) == 1 and conflict.bins[0].is_spike and is_silent


def _is_of_equal_inputs(spec: Spec, conflict: Conflict) -> bool:
    """Return whether patterns with the same inputs so far require a spike and silence at a tick: nothing does both."""
    if len(conflict.bins) != 2 or conflict.bins[0].is_spike == conflict.bins[1].is_spike:
        return False
    ticks, places = ({getattr(each, name) for each in conflict.bins} for name in ("tick", "pattern"))
    arrived = max(min(ticks) - spec.chip.delays[0] + 1, 0)
    one, other = (spec.patterns[each.pattern].inputs[:arrived] for each in conflict.bins)
    return len(ticks) == 1 and len(places) == 2 and bool((one == other).all())


def _has_delays(spec: Spec) -> bool:
    """Return whether the chip has delays that the spec does not allow."""
    nearest, farthest = spec.chip.delays
    return len(spec.delays) < farthest - nearest + 1
