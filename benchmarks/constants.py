"""How much each numeric constant of the design, of the integers and of the solver matters: each times 3, and by 3.

Random specs are compiled as the constants are, then once for each constant and factor; only those that run code of the
constant's own module are compiled again. A row of the table says on which of them the outcome was another one (exact,
closest, refused, not decided, an error), on how many the program or the message was another one at all, by how much
the wrong bins, the hidden neurons and the synapses changed in sum, and by what factor the time did.

The comments beside the constants quote this table. A constant that compiled code has read is frozen in it, so those of
`@njit` functions are listed as not varied.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import pkgutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np
from instances import random_raster, random_target
from rich.console import Console

import snnprog as sp
from snnprog.report.terminal import print_table
from snnprog.table import Table

FOLDERS = ("snnprog.design", "snnprog.integers", "snnprog.solver")
FACTOR = 3
NOT_SIZES = {
    "PRIME": "any large prime does",
    "SEED": "a seed",
    "GOES_ON": "a label",
    "RESETS": "a label",
    "ENDS": "a label",
    "NOTHING": "an empty interval, or the number of no history",
    "NAMED_TICKS": "the length of a message",
    "FORGOTTEN": "read by compiled code",
    "UNDECIDED": "a value without numbers",
}


@dataclass(frozen=True)
class Case:
    """A spec and how it is compiled."""

    spec: sp.Spec
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a spec: its kind, everything that was said in one digest, three counts, and the seconds."""

    kind: str
    digest: str
    wrong_bins: int = 0
    hidden: int = 0
    synapses: int = 0
    seconds: float = 0.0


# --------------------------------------------------------------------------------------------------------- the specs


def drawn(
    seed: int,
    *,
    inputs: int = 5,
    ticks: int = 60,
    delays: Sequence[int] = (1, 2),
    rates: tuple[float, float] = (0.2, 0.1),
    outputs: int = 1,
    patterns: int = 1,
    care: float = 1.0,
    **wishes: Any,
) -> sp.Spec:
    """Return a spec of random inputs and targets."""
    generator = np.random.default_rng(seed)
    drawn_patterns = []
    for _ in range(patterns):
        raster = random_raster(generator, ticks, inputs, rates[0])
        targets = np.hstack([random_target(generator, raster, delays, rates[1]) for _ in range(outputs)])
        drawn_patterns.append(sp.Pattern(raster, targets, generator.random(targets.shape) < care))
    return sp.Spec(drawn_patterns, delays, **wishes)


def taught(seed: int, *, inputs: int = 8, ticks: int = 60, largest: int = 2, **wishes: Any) -> sp.Spec:
    """Return a spec whose target small random integers give, so that coarse weights for it exist."""
    generator = np.random.default_rng(seed)
    raster, chip = random_raster(generator, ticks, inputs, 0.2), wishes.get("chip", "loihi1")
    decays = wishes.setdefault("dynamics", sp.Dynamics(4, 2) if chip == "xylo" else sp.Dynamics(400, 1500))
    program = sp.Program.from_arrays(
        chip=chip,
        n_inputs=inputs,
        n_neurons=1,
        outputs=[0],
        pre=np.arange(inputs),
        post=[0] * inputs,
        delay=[1] * inputs,
        weight=generator.integers(-largest, largest + 1, inputs),
        exponent=[4] * inputs,
        threshold=[int(generator.integers(20, 60))],
        current_decay=[decays.current_decay],
        potential_decay=[decays.potential_decay],
        bias=[0],
    )
    return sp.Spec([sp.Pattern(raster, sp.run(program, raster).spikes)], [1], **wishes)


SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "small": (4, {"inputs": 8}),
    "crowded": (6, {"inputs": 10, "ticks": 50, "rates": (0.4, 0.2)}),
    "refused": (2, {"inputs": 40, "ticks": 300, "rates": (0.3, 0.4)}),
    "narrow": (4, {"inputs": 40, "ticks": 400, "delays": (1, 2, 3), "rates": (0.05, 0.14)}),
    "large": (2, {"inputs": 60, "ticks": 1000, "delays": range(1, 6), "rates": (0.03, 0.1)}),
    "wide": (1, {"inputs": 150, "ticks": 1200, "delays": range(1, 5), "rates": (0.03, 0.25)}),
    "currents": (3, {"inputs": 40, "ticks": 500, "dynamics": sp.Dynamics(300, 2500), "rates": (0.05, 0.05)}),
    "don't-care": (4, {"ticks": 30, "rates": (0.3, 0.3), "care": 0.7}),
    "sparse": (3, {"inputs": 12, "sparse": True}),
    "fan-in": (3, {"inputs": 6, "ticks": 40, "rates": (0.4, 0.1), "fan_in": 5}),
    "hidden": (3, {"delays": [1], "rates": (0.3, 0.3), "ticks": 50, "hidden": "auto"}),
    "hidden, bias": (2, {"delays": [1], "rates": (0.3, 0.3), "ticks": 50, "hidden": "auto", "bias": -640}),
    "windows": (3, {"inputs": 3, "ticks": 20, "rates": (0.3, 0.25), "window": (1, 1)}),
    "fixed": (3, {"inputs": 12, "ticks": 80, "threshold": 700, "bias": 320, "rates": (0.2, 0.08)}),
    "few": (6, {"inputs": 3, "ticks": 12, "delays": [1], "rates": (0.4, 0.25), "weight_limit": 2}),
    "noise": (2, {"inputs": 12, "noise": 4}),
    "recurrent": (3, {"inputs": 3, "ticks": 20, "rates": (0.4, 0.3), "outputs": 2, "recurrent": True, "care": 0.8}),
}
TAUGHT_SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "coarse": (6, {"weight_bits": 2}),
    "coarser": (4, {"inputs": 30, "ticks": 150, "largest": 3, "weight_bits": 3}),
    "coarse and fixed": (4, {"weight_limit": 2, "threshold": 400}),
    "xylo": (4, {"largest": 6, "chip": "xylo"}),
    "xylo, coarse": (4, {"inputs": 6, "largest": 1, "chip": "xylo", "weight_bits": 2}),
}


def cases() -> dict[str, Case]:
    """Return the specs by name: every way of designing, proving and rounding is taken by some of them."""
    found = {f"tiny {seed}": Case(_tiny(seed), {}) for seed in range(12)}
    for make, sizes in ((drawn, SIZES), (taught, TAUGHT_SIZES)):
        for name, (seeds, size) in sizes.items():
            found |= {f"{name} {seed}": Case(make(seed, **size), {}) for seed in range(seeds)}
    for seed in range(4):
        spec = drawn(seed, inputs=3, ticks=20 + 10 * seed, delays=[1], rates=(0.3, 0.35), outputs=1 + seed % 2)
        found[f"closest {seed}"] = Case(spec, {"on_infeasible": "closest"})
    return found


def _tiny(seed: int) -> sp.Spec:
    generator = np.random.default_rng(seed)
    return drawn(
        seed,
        inputs=int(generator.integers(1, 4)),
        ticks=8,
        patterns=3,
        rates=(0.5, 0.3),
        bias=[0, 0, "free", 320][seed % 4],
        threshold=["free", "free", 60][seed % 3],
        dynamics=sp.Dynamics([0, 205, 2048][seed % 3], [4095, 1000][seed % 2]),
    )


# ------------------------------------------------------------------------------------------------------- the outcomes


def outcome_of(case: Case) -> Outcome:
    """Compile a spec; return what came of it."""
    start = time.process_time()
    try:
        result = sp.compile(case.spec, **case.options)
    except Exception as error:  # of any kind: a constant may have no meaning at another size
        seconds = time.process_time() - start
        return Outcome(type(error).__name__, hashlib.sha256(str(error).encode()).hexdigest(), seconds=seconds)
    seconds, program, report = time.process_time() - start, result.program, result.report
    arrays = (
        program.pre,
        program.post,
        program.delay,
        program.weight,
        program.exponent,
        program.threshold,
        program.bias,
    )
    digest = hashlib.sha256(b"|".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()
    return Outcome(report.status, digest, report.wrong_bins, len(report.hidden), program.n_synapses, seconds)


def files_run(case: Case) -> set[str]:
    """Return the files of which compiling a spec runs a function."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            seen.add(frame.f_code)

    sys.setprofile(note)
    try:
        outcome_of(case)
    finally:
        sys.setprofile(None)
    return {code.co_filename for code in seen}


# ------------------------------------------------------------------------------------------------------ the constants


def modules() -> list[ModuleType]:
    """Return the modules whose constants are varied."""
    names = [
        module.name
        for folder in FOLDERS
        for module in pkgutil.walk_packages(importlib.import_module(folder).__path__, f"{folder}.")
    ]
    return [importlib.import_module(name) for name in names]


def constants(module: ModuleType) -> dict[str, Any]:
    """Return a module's own numeric constants; those that it imports are not its own."""
    names = assigned(module) - NOT_SIZES.keys()
    return {name: value for name, value in vars(module).items() if name in names and varied(value, 1) is not None}


def assigned(module: ModuleType) -> set[str]:
    """Return the names in capitals that a module's source assigns."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = [line for line in source.splitlines() if line[:1].isupper() and " = " in line]
    names = {name.strip().partition(":")[0] for line in lines for name in line.partition(" = ")[0].split(",")}
    return {name for name in names if name.isupper()}


def varied(value: Any, factor: float) -> Any | None:
    """Return a constant times a factor, or None if it holds no number.

    Integers stay integers, and at least 1. Of a share, between 0 and 1, the odds are multiplied; of a growth, between
    1 and 2, what exceeds 1.
    """
    if isinstance(value, bool | str):
        return None
    if isinstance(value, int):
        return max(1, int(value * factor))
    if isinstance(value, float) and 0.0 < value < 1.0:
        return factor * value / (1.0 - value + factor * value)
    if isinstance(value, float) and 1.0 < value < 2.0:
        return 1.0 + factor * (value - 1.0)
    if isinstance(value, Fraction):
        return value * Fraction(factor)
    if isinstance(value, float | np.ndarray):
        return value * factor
    if isinstance(value, tuple):
        parts = [varied(part, factor) for part in value]
        return tuple(parts) if parts and None not in parts else None
    return None


@contextmanager
def patched(owner: ModuleType, name: str, new: Any) -> Iterator[None]:
    """Let a module's constant have another value, also where it is imported."""
    value = getattr(owner, name)
    holders = [
        module
        for key, module in list(sys.modules.items())
        if key.startswith("snnprog.") and getattr(module, name, None) is value
        if module is owner or name not in assigned(module)
    ]
    for module in holders:
        setattr(module, name, new)
    try:
        yield
    finally:
        for module in holders:
            setattr(module, name, value)


def compared(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> tuple[object, ...]:
    """Return how outcomes changed, as cells of the table."""
    pairs = [(before[name], one) for name, one in after.items()]
    changes = (
        sum(getattr(new, name) - getattr(old, name) for old, new in pairs)
        for name in ("wrong_bins", "hidden", "synapses")
    )
    kinds = sorted(
        f"{name}: {before[name].kind} > {one.kind}" for name, one in after.items() if one.kind != before[name].kind
    )
    seconds = sum(new.seconds for _, new in pairs) / max(sum(old.seconds for old, _ in pairs), 1e-9)
    return (
        len(pairs),
        ", ".join(kinds) or 0,
        sum(old.digest != new.digest for old, new in pairs),
        *changes,
        f"{seconds:.2f}",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Vary the given constants, and print a row for each of them and each factor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[""], help="parts of the names of the modules, of which one fits")
    parser.add_argument("--specs", nargs="*", default=[""], help="parts of the names of the specs, of which one fits")
    chosen = parser.parse_args(arguments)
    every = {name: case for name, case in cases().items() if any(part in name for part in chosen.specs)}
    for case in every.values():
        outcome_of(case)  # compiled code is ready, and no measured time has it
    files = {name: files_run(case) for name, case in every.items()}
    before = {name: outcome_of(case) for name, case in every.items()}
    console = Console(width=200)
    for module in modules():
        if not any(part in module.__name__ for part in chosen.only):
            continue
        ours = [name for name in every if module.__file__ in files[name]]
        rows: list[tuple[object, ...]] = []
        for name, value in constants(module).items():
            for factor in (1.0 / FACTOR, float(FACTOR)):
                with patched(module, name, varied(value, factor)):
                    after = {one: outcome_of(every[one]) for one in ours}
                rows.append((name, f"{value}", f"× {factor:.3g}", *compared(before, after)))
        if rows:
            what = ("constant", "is", "varied", "specs", "other outcomes", "other bytes")
            columns = (*what, "wrong bins", "hidden", "synapses", "time")
            print_table(console, Table.plain(module.__name__, columns=columns, rows=rows))


if __name__ == "__main__":
    main()
