"""`sweep`: many specs, each compiled as by `compile`, in parallel and with a journal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from snnprog.calls import call_checked
from snnprog.checks import check_type
from snnprog.compiler.report import CompileResult
from snnprog.compiler.steps import RAISE, compile, identity_of
from snnprog.errors import SnnprogError, SpecError
from snnprog.journal import Identity, opened
from snnprog.processes.executors import AnyExecutor, as_executor
from snnprog.processes.sharing import Shared
from snnprog.progress import Progress, shown
from snnprog.solver import run_jobs
from snnprog.spec import Spec


@dataclass(frozen=True, eq=False)
class _Swept(Shared):
    """A spec that is known by its digest and its names."""

    spec: Spec

    @property
    def content(self) -> object:
        """See `Shared.content`."""
        return self.spec.digest(), self.spec.input_names, self.spec.output_names, self.spec.hidden_names


@dataclass(frozen=True, eq=False)
class _SweepJob:
    swept: _Swept
    seed: int
    on_infeasible: Literal["raise", "closest"]
    miss_cost: float
    alarm_cost: float
    time_limit_s: float | None


@call_checked
def sweep(
    specs: Sequence[Spec],
    *,
    seed: int = 0,
    on_infeasible: Literal["raise", "closest"] = RAISE,
    miss_cost: float = 1.0,
    alarm_cost: float = 1.0,
    executor: AnyExecutor | None = None,
    progress: Progress | bool | None = None,
    time_limit_s: float | None = None,
    journal: str | Path | None = None,
) -> tuple[CompileResult | SnnprogError, ...]:
    """Compile many specs, such as one for each value of an option; specs are distributed, not their neurons.

    Parameters
    ----------
    specs : sequence of Spec
    seed, on_infeasible, miss_cost, alarm_cost
        As for `compile`, for each spec.
    executor, progress
        As for `compile`; the step is called "sweep".
    time_limit_s : float, optional
        Seconds for each spec.
    journal : path, optional
        A folder in which the result of each finished spec is recorded, as for `compile`; errors are not.

    Returns
    -------
    tuple of CompileResult or SnnprogError
        For each spec the result of `compile`, or the error that it raised.

    Raises
    ------
    SpecError
        If an argument is invalid.
    BackendError
        If processes of the executor are lost again and again, or cannot be reached.
    FormatError
        If the journal is damaged, cannot be written, or is of other specs, another seed or version.
    """
    if isinstance(specs, Spec):
        raise SpecError("specs must be a list of Spec, got a Spec; write [spec]")
    specs = tuple(specs)
    if not specs:
        raise SpecError("specs must be at least one spec, got none")
    for index, spec in enumerate(specs):
        check_type(f"specs[{index}]", spec, kind=Spec)
    pool = as_executor(executor)
    costs = miss_cost, alarm_cost
    jobs = (_SweepJob(_Swept(spec), seed, on_infeasible, *costs, time_limit_s) for spec in specs)
    with opened(journal, lambda: _identity(specs, seed)), shown(progress, "sweep") as tell:
        results = []
        for result in run_jobs(_compiled, jobs, pool, total=len(specs), step="sweep", verdict=_verdict):
            results.append(result)
            if tell is not None:
                tell("sweep", len(results), len(specs))
    return tuple(results)


def _identity(specs: tuple[Spec, ...], seed: int) -> Identity:
    digest = hashlib.sha256("".join(spec.digest() for spec in specs).encode("ascii")).hexdigest()
    return identity_of(digest, ", ".join(dict.fromkeys(spec.chip.name for spec in specs)), seed)


def _compiled(job: _SweepJob) -> CompileResult | SnnprogError:
    try:
        return compile(
            job.swept.spec,
            seed=job.seed,
            on_infeasible=job.on_infeasible,
            miss_cost=job.miss_cost,
            alarm_cost=job.alarm_cost,
            time_limit_s=job.time_limit_s,
        )
    except SnnprogError as error:
        return error


def _verdict(result: CompileResult | SnnprogError) -> str:
    return result.report.status if isinstance(result, CompileResult) else type(result).__name__
