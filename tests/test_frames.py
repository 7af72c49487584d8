"""Tables for pandas and xarray hold what the values hold, and say what to install where these are missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from by_hand import by_hand
from shown_values import compiled, shared_program
from untyped import untyped

import snnprog as sp
from snnprog.chips import RESOURCES
from snnprog.errors import BackendError
from snnprog.synapses import SYNAPSE_ARRAYS
from snnprog.verification import Verification


@pytest.fixture(scope="module")
def built() -> tuple[sp.Spec, sp.CompileResult]:
    return compiled()


@pytest.fixture(scope="module")
def trace() -> sp.Trace:
    return sp.run(by_hand(), np.random.default_rng(0).random((40, 2)) < 0.4, record="state")


def test_spikes_are_events(trace: sp.Trace) -> None:
    frame = trace.to_pandas()
    assert list(frame.columns) == ["tick", "output"]
    assert frame.to_numpy().tolist() == np.argwhere(trace.spikes).tolist()
    assert len(frame) > 0


def test_states_have_a_row_for_each_tick_and_neuron(trace: sp.Trace) -> None:
    frame = trace.to_pandas("states")
    assert trace.currents is not None
    assert trace.potentials is not None
    for name, array in (("current", trace.currents), ("potential", trace.potentials)):
        np.testing.assert_array_equal(frame.pivot(index="tick", columns="neuron", values=name), array)


def test_a_trace_is_a_data_set(trace: sp.Trace) -> None:
    found = trace.to_xarray()
    assert dict(found.sizes) == {"tick": 40, "output": 2, "neuron": 4}
    for name in ("spikes", "currents", "potentials"):
        np.testing.assert_array_equal(found[name], getattr(trace, name))
    assert set(sp.Trace(trace.spikes).to_xarray().data_vars) == {"spikes"}
    assert int(found.spikes.sel(output=1).sum()) == int(trace.spikes[:, 1].sum())


def test_readouts_are_in_the_data_set() -> None:
    trace = sp.Trace(np.zeros((3, 2), bool), readout=np.arange(6).reshape(3, 2))
    np.testing.assert_array_equal(trace.to_xarray().readout, trace.readout)


def test_what_a_trace_has_not_is_told(trace: sp.Trace) -> None:
    with pytest.raises(sp.SpecError, match="states were not recorded; run the program with record='state'"):
        sp.Trace(trace.spikes).to_pandas("states")
    with pytest.raises(sp.SpecError, match="table must be 'events' or 'states', got 'all'"):
        trace.to_pandas(untyped("all"))


@pytest.mark.parametrize("make", [by_hand, shared_program])
def test_synapses(make: Callable[[], sp.Program]) -> None:
    program = make()
    frame = program.to_pandas()
    assert list(frame.columns) == [*SYNAPSE_ARRAYS, "added"]
    assert len(frame) == program.n_synapses
    for name in SYNAPSE_ARRAYS:
        np.testing.assert_array_equal(frame[name], getattr(program, name))
    np.testing.assert_array_equal(frame.added, frame.weight.to_numpy() * 2 ** frame.exponent.to_numpy())


def test_neurons_of_a_report(built: tuple[sp.Spec, sp.CompileResult]) -> None:
    report = built[1].report
    frame = report.to_pandas()
    assert frame.name.tolist() == ["output 0", "output 1"]
    assert frame.margin.tolist() == [neuron.margin for neuron in report.neurons]
    assert frame.status.tolist() == [neuron.status for neuron in report.neurons]


def test_backends_of_a_verification(built: tuple[sp.Spec, sp.CompileResult]) -> None:
    spec, result = built
    check = sp.verify(result.program, spec, ["kernel", "reference"])
    frame = check.to_pandas()
    assert frame.backend.tolist() == ["kernel", "reference"]
    assert frame.exact.tolist() == [True, True]
    failed = Verification(check.backends, failures={"lava": BackendError("lava is missing")}).to_pandas()
    assert failed.failure.tolist() == [None, None, "lava is missing"]


def test_cores_of_a_placement() -> None:
    weight = np.arange(1, 1201) % 50
    program = sp.Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=1200, pre=0, post=np.arange(1200), weight=weight, threshold=10
    )
    placement = sp.place(program)
    frame = placement.to_pandas()
    assert frame.core.tolist() == list(range(placement.cores))
    assert placement.cores > 1
    for resource in RESOURCES:
        assert frame[resource].sum() == placement.total(resource)


def test_patterns_of_an_activity(built: tuple[sp.Spec, sp.CompileResult]) -> None:
    spec, result = built
    activity = sp.activity(result.program, [pattern.inputs for pattern in spec.patterns])
    frame = activity.to_pandas()
    assert frame.neuron_spikes.tolist() == [each.neuron_spikes for each in activity.patterns]
    energies = list(zip(frame.energy_idle_pj, frame.energy_active_pj, strict=True))
    assert energies == [each.energy_pj for each in activity.patterns]


@pytest.mark.parametrize(
    ("package", "table"), [("pandas", sp.Trace.to_pandas), ("xarray", sp.Trace.to_xarray)], ids=["pandas", "xarray"]
)
def test_a_missing_package_gets_a_sentence(
    trace: sp.Trace, monkeypatch: pytest.MonkeyPatch, package: str, table: Callable[[sp.Trace], Any]
) -> None:
    monkeypatch.setitem(sys.modules, package, untyped(None))
    with pytest.raises(sp.SpecError, match=rf"needs {package}; install it with: pip install 'snnprog\[tables\]'"):
        table(trace)
