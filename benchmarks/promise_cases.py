"""Specs as plain data: what `promise.py` draws, writes down, cuts smaller and hands to the compiler.

A case is written as in the project's notes: ``Spec([P('1 .','. 1')],[1],dynamics=D(7,3),chip='xylo')``. In a pattern
the ticks are separated by spaces and each tick has one character per line, 1 for a spike; a third text is the care
mask. ``D`` holds the decays of the potential and of the current.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from promise_chips import Circuit

import snnprog as sp

Bits = tuple[tuple[int, ...], ...]

DEFAULTS: dict[str, object] = {
    "recurrent": False,
    "threshold": "free",
    "bias": 0,
    "signs": None,
    "weight_bits": None,
    "weight_limit": None,
    "noise": 0.0,
    "sparse": False,
    "fan_in": None,
    "window": (0, 0),
    "hidden": 0,
    "refractory": 1,
}


@dataclass(frozen=True)
class Trial:
    """One pattern.

    Attributes
    ----------
    inputs, targets, care : tuple of tuple of int
        (ticks, lines) of 0 and 1.
    """

    inputs: Bits
    targets: Bits
    care: Bits

    @property
    def ticks(self) -> int:
        """Duration in ticks."""
        return len(self.targets)

    @property
    def has_care(self) -> bool:
        """Whether some bin does not count."""
        return not all(map(all, self.care))

    def cut(self, ticks: slice = slice(None), *, line: int | None = None, output: int | None = None) -> Trial:
        """Return some ticks, without an input line or an output."""
        inputs = tuple(_without(row, line) for row in self.inputs[ticks])
        targets = tuple(_without(row, output) for row in self.targets[ticks])
        return Trial(inputs, targets, tuple(_without(row, output) for row in self.care[ticks]))


@dataclass(frozen=True)
class Case:
    """One spec as plain data.

    Attributes
    ----------
    trials : tuple of Trial
    delays : tuple of int
    dynamics : (int, int)
        Decays of the potential and of the current.
    chip : str
    options : dict
        The options that are not at their default, as `snnprog.Spec` takes them.
    seed : int
        What it was drawn from; -1 for a case that was not drawn.
    size : str
        "tiny", "small" or "medium"; "" for a case that was not drawn.
    teacher : Circuit or None
        A circuit within the spec's limits that meets the targets, if one is known.
    """

    trials: tuple[Trial, ...]
    delays: tuple[int, ...]
    dynamics: tuple[int, int]
    chip: str
    options: Mapping[str, object] = field(default_factory=dict)
    seed: int = -1
    size: str = ""
    teacher: Circuit | None = None

    def option(self, name: str) -> Any:
        """Return an option's value, given or not."""
        return self.options.get(name, DEFAULTS[name])

    @property
    def n_inputs(self) -> int:
        """Number of input lines."""
        return len(self.trials[0].inputs[0])

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return len(self.trials[0].targets[0])

    @property
    def has_care(self) -> bool:
        """Whether some bin does not count."""
        return any(trial.has_care for trial in self.trials)

    @property
    def greatest_weight(self) -> int:
        """The greatest magnitude of a weight mantissa that the spec allows."""
        limits = [255 if self.chip.startswith("loihi") else 127]
        if self.option("weight_limit") is not None:
            limits.append(self.option("weight_limit"))
        if self.option("weight_bits") is not None:
            limits.append(max(1, 2 ** (self.option("weight_bits") - 1) - 1))
        return min(limits)

    @property
    def needs_every_tap(self) -> bool:
        """Whether every tap that acts must have a synapse: weights of one bit are -1 or +1, never 0."""
        may_be_absent = self.option("sparse") or self.option("fan_in") is not None or self.option("hidden") != 0
        return self.option("weight_bits") == 1 and not may_be_absent

    @property
    def tags(self) -> tuple[str, ...]:
        """The groups that the case is counted in."""
        return tuple(tag for tag, belongs in _groups(self).items() if belongs)

    def spec(self) -> sp.Spec:
        """Return the spec itself."""
        patterns = [
            sp.Pattern(*(np.array(bits, dtype=bool) for bits in (trial.inputs, trial.targets, trial.care)))
            for trial in self.trials
        ]
        options: dict[str, Any] = dict(self.options)
        return sp.Spec(patterns, self.delays, dynamics=sp.Dynamics(*self.dynamics), chip=self.chip, **options)

    def __str__(self) -> str:
        patterns = ",".join(_pattern_text(trial) for trial in self.trials)
        options = {"dynamics": self.dynamics, "chip": self.chip} | dict(self.options)
        texts = [f"{name}={_option_text(name, value)}" for name, value in options.items() if value != "loihi1"]
        return f"Spec([{patterns}],{','.join([str(list(self.delays)).replace(' ', ''), *texts])})"


def case_of(text: str) -> Case:
    """Return the case that a text in the notation of this module says."""

    def spec(patterns: Sequence[Trial], delays: Sequence[int] = (1,), **options: Any) -> Case:
        chip = options.pop("chip", "loihi1")
        dynamics = options.pop("dynamics", (4, 1) if chip == "xylo" else (205, 4095))
        kept = {name: value for name, value in options.items() if value != DEFAULTS[name]}
        return Case(tuple(patterns), tuple(delays), dynamics, chip, kept)

    names = {"Spec": spec, "P": _trial_of, "D": lambda potential, current=4095: (potential, current)}
    found: Case = eval(text, {"__builtins__": {}}, names)
    return found


def shrunk(case: Case) -> Iterator[Case]:
    """Yield the case with one thing less, the largest things first; a teacher goes where it may not hold any more."""
    for index in range(len(case.trials)):
        if len(case.trials) > 1:
            yield replace(case, trials=case.trials[:index] + case.trials[index + 1 :])
    for index, trial in enumerate(case.trials):
        cuts = dict.fromkeys(
            trial.cut(ticks) for ticks in (slice(trial.ticks // 2), slice(trial.ticks - 1), slice(1, None))
        )
        for cut in cuts:
            if cut.ticks:
                yield replace(case, trials=_replaced(case.trials, index, cut), teacher=None)
    yield from _with_fewer_lines(case)
    for name in case.options:
        yield replace(case, options={key: case.options[key] for key in case.options if key != name}, teacher=None)
    for delay in reversed(case.delays) if len(case.delays) > 1 else ():
        yield replace(case, delays=tuple(each for each in case.delays if each != delay), teacher=None)
    if case.chip == "loihi2":
        yield replace(case, chip="loihi1")
    yield from _with_fewer_spikes(case)


def _with_fewer_lines(case: Case) -> Iterator[Case]:
    signs = case.option("signs")
    for line in range(case.n_inputs if case.n_inputs > 1 else 0):
        options = dict(case.options) | ({"signs": _without(signs, line)} if signs else {})
        yield replace(case, trials=tuple(t.cut(line=line) for t in case.trials), options=options, teacher=None)
    for output in range(case.n_outputs if case.n_outputs > 1 else 0):
        fewer = _without(signs, case.n_inputs + output) if signs and case.option("recurrent") else signs
        options = dict(case.options) | ({"signs": fewer} if signs else {})
        yield replace(case, trials=tuple(t.cut(output=output) for t in case.trials), options=options, teacher=None)


def _with_fewer_spikes(case: Case) -> Iterator[Case]:
    """Yield the case without one spike that goes in, or with one bin more that counts."""
    for index, trial in enumerate(case.trials):
        for name, value in (("inputs", 0), ("care", 1)):
            for tick, row in enumerate(getattr(trial, name)):
                for line in range(len(row)):
                    if row[line] != value:
                        rows = _replaced(getattr(trial, name), tick, _replaced(row, line, value))
                        trials = _replaced(case.trials, index, replace(trial, **{name: rows}))
                        yield replace(case, trials=trials, teacher=None)


def _replaced(values: Any, index: int, value: object) -> Any:
    return (*values[:index], value, *values[index + 1 :])


def _without(row: tuple[int, ...], index: int | None) -> tuple[int, ...]:
    return row if index is None else row[:index] + row[index + 1 :]


def _groups(case: Case) -> dict[str, bool]:
    option = case.option
    bits, is_fixed = option("weight_bits"), option("threshold") != "free"
    recurrent, window = option("recurrent"), option("window") != (0, 0)
    return {
        "all": True,
        "random": case.teacher is None,
        "teacher": case.teacher is not None,
        case.size or "by hand": True,
        case.chip: True,
        "plain (decays only)": not case.options and not case.has_care,
        "hidden": option("hidden") != 0,
        "hidden + any other": option("hidden") != 0 and len(case.options) > 1,
        "window": window,
        "window + (care or recurrent)": window and (case.has_care or recurrent),
        "window + (sparse, fan_in, noise)": window and bool({"sparse", "fan_in", "noise"} & set(case.options)),
        "no hidden, no window": option("hidden") == 0 and not window,
        "care": case.has_care,
        "recurrent": recurrent,
        "recurrent + care": recurrent and case.has_care,
        "weight_bits=1": bits == 1,
        "weight_bits=2-4": bits in (2, 3, 4),
        "weight_bits=5-8": bits is not None and bits >= 5,
        "weight_limit": option("weight_limit") is not None,
        "signs": option("signs") is not None,
        "fixed threshold": is_fixed,
        "xylo, fixed threshold": is_fixed and case.chip == "xylo",
        "bias fixed": option("bias") not in (0, "free"),
        "bias free": option("bias") == "free",
        "noise": option("noise") > 0,
        "sparse": option("sparse"),
        "fan_in": option("fan_in") is not None,
        "refractory": option("refractory") > 1,
    }


def _pattern_text(trial: Trial) -> str:
    rasters = [trial.inputs, trial.targets] + ([trial.care] if trial.has_care else [])
    texts = [" ".join("".join(".1"[bit] for bit in row) for row in raster) for raster in rasters]
    return f"P({','.join(map(repr, texts))})"


def _option_text(name: str, value: object) -> str:
    if name == "dynamics":
        return f"D{value}".replace(" ", "")
    return repr(value).replace(" ", "")


def _trial_of(inputs: str, targets: str, care: str = "") -> Trial:
    rasters = [tuple(tuple(int(bit == "1") for bit in tick) for tick in text.split()) for text in (inputs, targets)]
    everything = tuple((1,) * len(row) for row in rasters[1])
    counted = tuple(tuple(int(bit == "1") for bit in tick) for tick in care.split()) if care else everything
    return Trial(rasters[0], rasters[1], counted)
