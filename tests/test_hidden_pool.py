"""Hidden neurons drawn at random where growth finds none, and proofs that none can tell anything in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import snnprog as sp
from snnprog.check_proof import Claim, check, first_spike
from snnprog.design.hidden.draft import Draft
from snnprog.design.hidden.growth import designed, lack_of
from snnprog.design.hidden.pool import drawn
from snnprog.design.hidden.sufficing import Goal, separator_of
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.spec.document import spec_to_data


def pattern(*texts: str) -> sp.Pattern:
    """Return a pattern of inputs, targets and the bins that count: ticks, of one character a line, 1 for a spike."""
    return sp.Pattern(*(np.array([[bit == "1" for bit in tick] for tick in text.split()]) for text in texts))


def spec_of(*patterns: tuple[str, ...], **options: Any) -> sp.Spec:
    """Return the spec of patterns of texts."""
    return sp.Spec([pattern(*texts) for texts in patterns], **{"delays": [1], "hidden": "auto", **options})


BUILT = {
    "inhibition after a spike": spec_of(
        (".1", ".", "."),
        ("1. 1. .. .. .1", ". 1 . . .", "1 1 . . 1"),
        dynamics=sp.Dynamics(4, 2),
        chip="xylo",
        threshold=148,
        hidden=1,
    ),
    "a clock": spec_of(
        (". . . . 1", ". . 1 . 1"),
        (". . 1", ". . ."),
        (". . . 1 . . . .", ". . 1 1 . . . ."),
        dynamics=sp.Dynamics(4, 3),
        chip="xylo",
        bias=110,
        window=(0, 2),
        hidden=1,
    ),
    "bins that do not count, heard by itself": spec_of(
        ("1 . . .", ". . 1 1"),
        (". . 1", ". . .", "1 1 ."),
        (". 1 . 1 .", ". . 1 1 1", "1 1 . 1 1"),
        dynamics=sp.Dynamics(4095, 1000),
        recurrent=True,
        signs=(0, 1),
        window=(0, 1),
        hidden=2,
    ),
}


@pytest.mark.parametrize("name", BUILT)
def test_what_growth_does_not_find_is_drawn(name: str) -> None:
    spec = BUILT[name]
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact
    assert 1 <= len(result.report.hidden) <= int(spec.hidden)


REFUSED = {
    "no synapses": spec_of(
        (". 1 .", ". . 1"),
        ("1", "."),
        (". . 1 .", ". . . .", ". 1 1 1"),
        dynamics=sp.Dynamics(2048, 4095),
        recurrent=True,
        fan_in=0,
    ),
    "a bias that no hidden neuron can stop in time": spec_of(
        ("1 . 1", ". . ."),
        (". . . . 1", ". . . . ."),
        dynamics=sp.Dynamics(1000, 4095),
        threshold=7,
        bias=320,
        hidden=2,
        refractory=2,
    ),
    "a threshold that is out of reach": spec_of(
        ("1 1", ". ."),
        (". 1 . 1", ". . . 1"),
        ("1 . . .", ". . 1 1"),
        dynamics=sp.Dynamics(205, 2231),
        chip="loihi2",
        threshold=131071,
    ),
    "currents that decay at once": spec_of(
        (". . . .", ". . . ."), (". 1 . 1 . . .", ". . . 1 1 . ."), dynamics=sp.Dynamics(1, 0), chip="xylo"
    ),
    "more noise than threshold": spec_of(
        ("1 .", ".. 1."), dynamics=sp.Dynamics(7, 1), chip="xylo", recurrent=True, threshold=3, noise=5.0, hidden=3
    ),
    "a bias alone, in windows": spec_of(
        (". 1", ". 1"),
        ("1 1 . 1 1 .", "1 . . . . ."),
        dynamics=sp.Dynamics(4, 0),
        chip="xylo",
        threshold=111,
        bias="free",
        window=(0, 1),
        hidden=1,
    ),
    "in windows, heard by itself": spec_of(
        ("1 . .", ". 1 ."),
        ("1", "."),
        delays=[1, 2],
        dynamics=sp.Dynamics(1764, 4095),
        recurrent=True,
        threshold=131071,
        window=(1, 1),
        hidden=1,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_hidden_neuron_can_do_is_proved(name: str) -> None:
    spec = REFUSED[name]
    with pytest.raises(sp.InfeasibleError) as caught:
        sp.compile(spec)
    assert check(spec_to_data(spec), caught.value.proof) is None


def test_a_proof_that_no_synapse_is_allowed_fails_where_one_is() -> None:
    """The documents differ in nothing but the number: what the proof rests on is no longer so."""
    spec = REFUSED["no synapses"]
    with pytest.raises(sp.InfeasibleError) as caught:
        sp.compile(spec)
    document = spec_to_data(spec) | {"fan_in": 2}
    assert check(document, caught.value.proof) is not None


@pytest.mark.parametrize(
    "options",
    [
        {"chip": "xylo", "dynamics": sp.Dynamics(3, 2), "threshold": 300},
        {"chip": "xylo", "dynamics": sp.Dynamics(3, 15), "threshold": 3000, "bias": 40, "recurrent": True},
        {"dynamics": sp.Dynamics(1000, 2000), "threshold": 50000},
        {"dynamics": sp.Dynamics(100, 4095), "threshold": 40, "bias": 640, "delays": [2, 3]},
        {"chip": "xylo", "dynamics": sp.Dynamics(3, 2), "threshold": 300, "weight_bits": 3, "signs": (1, -1)},
    ],
)
def test_no_drawn_neuron_spikes_before_the_first_spike(options: dict[str, Any]) -> None:
    spec = spec_of((".. 1. 11 .. .. 11 11 11 11 11", "." + " ." * 9), ("11 11 11 11 11 11", ". . . . . ."), **options)
    claim = Claim(spec_to_data(spec))
    firsts = [first_spike(claim, index) for index in range(2)]
    rasters = [neuron.raster for seed in range(3) for neuron in drawn(Draft(spec), 40, seed=seed)]
    assert rasters
    ticks = [np.flatnonzero(part) for raster in rasters for part in np.split(raster, [10])]
    assert all(each.min(initial=99) >= first for each, first in zip(ticks, firsts * len(rasters), strict=True))
    assert max(firsts) > 1


def test_pools_are_the_same_each_time() -> None:
    draft = Draft(BUILT["a clock"])
    first, second = (drawn(draft, 40, seed=1) for _ in range(2))
    assert len(first) > 3
    assert all(np.array_equal(one.weights, other.weights) for one, other in zip(first, second, strict=True))
    assert len({neuron.raster.tobytes() for neuron in first}) == len(first)


def test_a_margin_is_compared_with_a_low_threshold_and_not_with_the_largest_weight() -> None:
    spec = spec_of(
        ("11", "."), (".1 11", ". ."), ("11 1. .1", ". 1 ."), dynamics=sp.Dynamics(3, 15), chip="xylo", threshold=24
    )
    draft = Draft(spec)
    pool, lack = drawn(draft, 40, seed=0), lack_of(draft, 0)
    separator = separator_of(draft, Goal(0, lack.resets, lack.wanted), pool)
    sufficient = [index for index in range(len(pool)) if separator.suffices((index,))]
    assert sufficient
    assert not separator.suffices(())
    for index in sufficient:
        neuron = designed(draft.with_neuron(pool[index]), 0)
        assert neuron is not None
        assert neuron.margin >= ROUNDING_PROOF
