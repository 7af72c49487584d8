"""Whether a spec gives the same bytes on every machine: fifty specs compiled under everything that could change them.

Each column is the whole list of specs compiled in a process of its own, under one change: workers, threads and kernels
of the BLAS, what NumPy, Numba and the C library may use of the processor, and, if requested, other Pythons. What is
compared with the plain run is the digest of the program's file, or the text of the error. Versions of other Pythons'
packages are listed if they differ, and excluded from the digest: a file contains them.

Specs are random, of all kinds, and come from seeds: a kind and a number make the same spec everywhere.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.cache import CACHE_VARIABLE
from snnprog.processes.workers import Workers

HERE = Path(__file__).resolve()
KERNELS = ("Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen", "SkylakeX")
NO_AVX512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
COLUMNS: dict[str, dict[str, str]] = {
    "again": {},
    "workers 2": {"SAME_BYTES_WORKERS": "2"},
    "workers 8": {"SAME_BYTES_WORKERS": "8"},
    "one processor": {"SAME_BYTES_PROCESSORS": "1"},
    "BLAS threads 1": {"OPENBLAS_NUM_THREADS": "1"},
    "BLAS threads 2": {"OPENBLAS_NUM_THREADS": "2"},
    **{f"BLAS {kernel}": {"OPENBLAS_CORETYPE": kernel} for kernel in KERNELS},
    "NumPy without AVX-512": {"NPY_DISABLE_CPU_FEATURES": NO_AVX512},
    "NumPy without AVX2": {"NPY_DISABLE_CPU_FEATURES": f"{NO_AVX512} AVX2 FMA3"},
    "libm without FMA": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX2_Usable,-FMA_Usable"},
    "Numba generic": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "Numba without vectors": {"NUMBA_LOOP_VECTORIZE": "0", "NUMBA_SLP_VECTORIZE": "0"},
}
VERSIONS = ("numpy", "scipy", "ortools", "numba")
TIMEOUT = 3600.0  # ends what hangs, hours before anybody would


def random_target(generator: np.random.Generator, inputs: Raster, outputs: int, share: float) -> Raster:
    """Return targets that spike in a share of the ticks that something can have reached."""
    targets: Raster = generator.random((len(inputs), outputs)) < share
    targets[: int(inputs.any(axis=1).argmax()) + 1] = False
    return targets


def patterns_of(
    generator: np.random.Generator, lines: int, ticks: int, outputs: int = 1, share: float = 0.15
) -> list[sp.Pattern]:
    """Return one to three random patterns."""
    made = []
    for _ in range(int(generator.integers(1, 4))):
        inputs = generator.random((ticks, lines)) < generator.uniform(0.1, 0.4)
        made.append(sp.Pattern(inputs, random_target(generator, inputs, outputs, share)))
    return made


def plain(generator: np.random.Generator) -> sp.Spec:
    """Return a small spec."""
    outputs, lines = int(generator.integers(1, 4)), int(generator.integers(4, 16))
    return sp.Spec(patterns_of(generator, lines, 20, outputs), range(1, 5))


def medium(generator: np.random.Generator) -> sp.Spec:
    """Return a spec of 100 to 600 taps, most of them near what these can do."""
    taps = int(generator.choice([100, 150, 200, 300, 400, 600]))
    ticks = int(taps * generator.choice([1.6, 4.0, 8.0]))
    inputs = generator.random((ticks, taps)) < 0.03
    return sp.Spec([sp.Pattern(inputs, random_target(generator, inputs, 1, 0.03))], [1])


def leaky_current(generator: np.random.Generator) -> sp.Spec:
    """Return a spec of 120 to 200 taps whose currents last."""
    lines = int(generator.integers(30, 50))
    inputs = generator.random((400, lines)) < 0.05
    targets = random_target(generator, inputs, 1, 0.05)
    return sp.Spec([sp.Pattern(inputs, targets)], range(1, 5), dynamics=sp.Dynamics(400, 1500))


def recurrent(generator: np.random.Generator) -> sp.Spec:
    """Return a spec whose outputs feed one another."""
    return sp.Spec(patterns_of(generator, 6, 16, 3), range(1, 4), recurrent=True)


def xylo(generator: np.random.Generator) -> sp.Spec:
    """Return a spec for the chip that has shifts for decays."""
    return sp.Spec(patterns_of(generator, 8, 14, 2), [1], dynamics=sp.Dynamics(3, 2), chip="xylo")


def hidden(generator: np.random.Generator) -> sp.Spec:
    """Return a function of three lines, which may need hidden neurons."""
    values, patterns = generator.random(8) < 0.5, []
    for index, value in enumerate(values):
        inputs, targets = np.zeros((6, 3), dtype=bool), np.zeros((6, 1), dtype=bool)
        inputs[0] = [index >> bit & 1 for bit in range(3)]
        targets[4] = value and inputs.any()
        patterns.append(sp.Pattern(inputs, targets))
    return sp.Spec(patterns, range(1, 5), hidden="auto")


def windowed(generator: np.random.Generator) -> sp.Spec:
    """Return a spec whose spikes have windows."""
    return sp.Spec(patterns_of(generator, 5, 16, share=0.1), range(1, 4), window=(1, 2))


def sparse(generator: np.random.Generator) -> sp.Spec:
    """Return a spec that asks for few synapses."""
    return sp.Spec(patterns_of(generator, 12, 20, share=0.1), range(1, 4), sparse=True)


def few_bits(generator: np.random.Generator) -> sp.Spec:
    """Return a spec for small weights, which are searched for in integers."""
    return sp.Spec(patterns_of(generator, 10, 14, share=0.2), range(1, 3), weight_bits=int(generator.integers(1, 4)))


def with_care(generator: np.random.Generator) -> sp.Spec:
    """Return a spec with don't-care bins."""
    patterns = patterns_of(generator, 6, 16, share=0.25)
    return sp.Spec(
        [replace(pattern, care=generator.random(pattern.targets.shape) < 0.7) for pattern in patterns], range(1, 4)
    )


KINDS: dict[str, tuple[Callable[[np.random.Generator], sp.Spec], int]] = {
    "plain": (plain, 6),
    "medium": (medium, 14),
    "leaky current": (leaky_current, 3),
    "recurrent": (recurrent, 5),
    "xylo": (xylo, 4),
    "hidden": (hidden, 4),
    "windows": (windowed, 4),
    "sparse": (sparse, 4),
    "few bits": (few_bits, 3),
    "don't care": (with_care, 3),
}


def specs(kinds: Sequence[str], share: float) -> Iterator[tuple[str, sp.Spec, bool]]:
    """Yield names, specs, and whether the closest program is requested: for every other small spec."""
    for kind in kinds:
        make, count = KINDS[kind]
        for number in range(max(1, round(share * count))):
            yield (
                f"{kind} {number}",
                make(np.random.default_rng([number, *kind.encode()])),
                kind == "plain" and number % 2 == 1,
            )


def digest_of(spec: sp.Spec, *, is_closest: bool, executor: Executor | None) -> str:
    """Return the digest of the program's file without the versions in it, or why there is none."""
    try:
        result = sp.compile(spec, on_infeasible="closest" if is_closest else "raise", executor=executor)
    except sp.SnnprogError as error:
        return f"{type(error).__name__}: {error}"
    program = replace(result.program, provenance={**result.program.provenance, "versions": {}})
    with tempfile.TemporaryDirectory() as folder:
        program.save(path := Path(folder) / "p.snnp")
        return hashlib.sha256(path.read_bytes()).hexdigest()


def print_digests(kinds: Sequence[str], share: float) -> None:
    """Print, as JSON, the digest of every spec, and the versions that made them: what each column's process does."""
    if "SAME_BYTES_PROCESSORS" in os.environ:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: int(os.environ["SAME_BYTES_PROCESSORS"])]))
    workers = int(os.environ.get("SAME_BYTES_WORKERS", "1"))
    digests = {}
    with Workers(workers) if workers > 1 else nullcontext() as executor:
        for name, spec, is_closest in specs(kinds, share):
            digests[name] = digest_of(spec, is_closest=is_closest, executor=executor)
            print(name, digests[name][:70], file=sys.stderr, flush=True)
    print(json.dumps({"digests": digests, "versions": {name: metadata.version(name) for name in VERSIONS}}))


def measured(python: str, changes: dict[str, str], options: argparse.Namespace) -> dict[str, dict[str, str]] | str:
    """Return what a process prints under some changes, or how it ended."""
    kinds = [word for kind in options.kind for word in ("--kind", kind)]
    command = [python, str(HERE), "--child", "--share", str(options.share), *kinds]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), **changes}
    with tempfile.TemporaryDirectory() as cache:
        if any(name.startswith("NUMBA_") for name in changes):  # how code was vectorised is not in the name of its file
            environment[CACHE_VARIABLE] = cache
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return f"not done after {TIMEOUT:g} s"
    if done.returncode:
        return f"ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
    found: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile the specs under each change, and print how many came out the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", default=[], help="another Python that has the dependencies")
    parser.add_argument("--only", action="append", help="columns by name; all, unless given")
    parser.add_argument("--kind", action="append", default=[], choices=KINDS, help="of specs; all, unless given")
    parser.add_argument("--share", type=float, default=1.0, help="of the specs of each kind")
    parser.add_argument("--at-once", type=int, default=1, help="columns side by side")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        print_digests(options.kind or list(KINDS), options.share)
        return
    columns = {name: (sys.executable, changes) for name, changes in COLUMNS.items()}
    columns |= {f"Python {python}": (python, {}) for python in options.python}
    chosen = {name: column for name, column in columns.items() if options.only is None or name in options.only}
    plainly = measured(sys.executable, {}, options)
    assert isinstance(plainly, dict), plainly
    programs = sum(len(digest) == 64 for digest in plainly["digests"].values())
    print(f"{len(plainly['digests'])} specs, {programs} of them with a program\n")
    print("| change | the same | others |\n|---|---|---|", flush=True)
    with ThreadPoolExecutor(options.at_once) as executor:
        found = executor.map(lambda one: measured(one[0], one[1], options), chosen.values())
        for name, column in zip(chosen, found, strict=True):
            print(f"| {name} | {_compared(plainly, column)} |", flush=True)


def _compared(plainly: dict[str, dict[str, str]], column: dict[str, dict[str, str]] | str) -> str:
    if isinstance(column, str):
        return f"- | {column}"
    others = [name for name, digest in column["digests"].items() if digest != plainly["digests"][name]]
    different = {name: version for name, version in column["versions"].items() if plainly["versions"][name] != version}
    notes = [", ".join(others) or "none", *(f"{name} {version}" for name, version in different.items())]
    return f"{len(plainly['digests']) - len(others)} of {len(plainly['digests'])} | {'; '.join(notes)}"


if __name__ == "__main__":
    main()
