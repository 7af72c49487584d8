"""Small random specs of kinds that meet few others: each ends in an exact program, or in an error that says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import snnprog as sp

SEEDS = range(40)


def noisy(generator: np.random.Generator) -> dict[str, Any]:
    """Return options under which neither a spike nor a silence may be sure, even where nothing is asked."""
    return {
        "threshold": int(generator.integers(1, 30)),
        "noise": float(generator.choice([0.5, 3.0, 20.0, 200.0])),
        "recurrent": bool(generator.random() < 0.5),
    }


def looked_at_twice(generator: np.random.Generator) -> dict[str, Any]:
    """Return options under which a tick asks for one spike and not two."""
    fixed = {"threshold": int(generator.integers(1, 30))} if generator.random() < 0.3 else {}
    return {"chip": "xylo", "recurrent": True, **fixed}


def small_spec(seed: int, options: dict[str, Any], generator: np.random.Generator) -> sp.Spec:
    """Return up to three patterns of different lengths, of which none, some or all bins count."""
    inputs, outputs, patterns = int(generator.integers(1, 3)), int(generator.integers(1, 3)), []
    for _ in range(int(generator.integers(1, 4))):
        ticks = int(generator.integers(1, 5))
        given = generator.random((ticks, inputs)) < 0.4
        targets = generator.random((ticks, outputs)) < generator.choice([0.0, 0.2, 0.4])
        care = generator.random((ticks, outputs)) < generator.choice([0.0, 0.5, 0.8, 1.0])
        patterns.append(sp.Pattern(given, targets, care))
    return sp.Spec(patterns, [1], **options)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", [noisy, looked_at_twice])
def test_every_small_spec_is_built_or_refused_with_a_reason(kind: Any, seed: int) -> None:
    generator = np.random.default_rng(seed)
    spec = small_spec(seed, kind(generator), generator)
    statuses = {verdict.status for verdict in sp.explain(spec).verdicts}
    if statuses <= {"certified", "exact"}:
        assert sp.verify(sp.compile(spec).program, spec).exact
        return
    assert "infeasible" in statuses
    with pytest.raises(sp.InfeasibleError) as caught:
        sp.compile(spec)
    assert caught.value.conflicts
    assert all(conflict.bins for conflict in caught.value.conflicts)


def test_the_same_history_is_told_where_ticks_are_looked_at_twice() -> None:
    """The second look at a tick stands after all patterns; the patterns here have different lengths."""
    inputs, targets, care = (
        [np.array(raster, dtype=bool)[:, None] for raster in rasters]
        for rasters in (([1, 0], [1, 0, 0]), ([0, 0], [0, 1, 0]), ([1, 1], [1, 1, 0]))
    )
    patterns = [sp.Pattern(*rasters) for rasters in zip(inputs, targets, care, strict=True)]
    with pytest.raises(
        sp.InfeasibleError, match="patterns 0 and 1 are identical up to tick 1 and require different answers"
    ):
        sp.compile(sp.Spec(patterns, [1], recurrent=True, chip="xylo"))


@pytest.mark.parametrize("recurrent", [False, True])
def test_a_bin_that_does_not_count_and_can_be_neither_is_named(recurrent: bool) -> None:
    nothing = np.zeros((1, 1), dtype=bool)
    spec = sp.Spec([sp.Pattern(nothing, nothing, nothing)], threshold=10, noise=20.0, recurrent=recurrent)
    with pytest.raises(
        sp.InfeasibleError, match="spike or be silent at tick 0 of pattern 0, with the threshold fixed at"
    ):
        sp.compile(spec)
    (verdict,) = sp.explain(spec).verdicts
    assert (verdict.status, verdict.as_dict()["proof"]) == ("infeasible", {"cases": 2})
