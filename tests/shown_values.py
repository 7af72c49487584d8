"""One value of each class that shows itself, as users get them, and as large as they get in little time."""

from __future__ import annotations

from functools import cache

import numpy as np
from by_hand import by_hand
from sklearn.neural_network import MLPRegressor
from test_page import impossible

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.coding import (
    AdaptiveFields,
    BalancedCode,
    Contrast,
    Delta,
    Latency,
    Levels,
    Questions,
    Readout,
    readout_curve,
)
from snnprog.errors import InfeasibleError
from snnprog.journal import JournalProgress, JournalStep
from snnprog.networks.network import TrainedNetwork
from snnprog.proving.lemmas import Lemma
from snnprog.proving.step import StepProof

HOSTILE = "<script>alert('x')</script>&\"'\x1b[2J"
JOURNAL_STEP = JournalStep("design", 9, 3, 1.5, 3.0, (("designed", 3),))


def compiled(seed: int = 3) -> tuple[sp.Spec, sp.CompileResult]:
    """Return a spec of three patterns with don't-care bins, and its program."""
    rng = np.random.default_rng(seed)
    patterns = []
    for _ in range(3):
        inputs, targets, care = rng.random((60, 6)) < 0.1, rng.random((60, 2)) < 0.2, rng.random((60, 2)) < 0.9
        targets[:6] = False
        patterns.append(sp.Pattern(inputs, targets, care))
    spec = sp.Spec(patterns, delays=range(1, 33), noise=0.5)
    return spec, sp.compile(spec)


def big_program(synapses: int = 1_000_000) -> sp.Program:
    """Return a program of 1000 input lines and 1000 neurons, all connected."""
    pre, post = np.divmod(np.arange(synapses, dtype=np.int32), 1000)
    weight = np.resize(np.arange(-100, 101), synapses)
    return sp.Program.from_arrays(
        chip="loihi1", n_inputs=1000, n_neurons=1000, pre=pre, post=post, weight=weight, threshold=100
    )


def shared_program() -> sp.Program:
    """Return a program whose 57,600 synapses share 9 weights."""
    convolution = sp.Convolution(channels=(1, 1), image=(82, 82), kernel=(3, 3))
    shared = sp.SharedSynapses.of(convolution, np.arange(1, 10).reshape(1, 1, 3, 3), first_pre=0, first_post=0)
    return sp.Program.from_arrays(
        chip="loihi1", n_inputs=82 * 82, n_neurons=6400, threshold=1000, shared=[shared], outputs=[0]
    )


def refused() -> InfeasibleError:
    try:
        sp.compile(sp.Spec(impossible().patterns))
    except InfeasibleError as error:
        return error
    raise AssertionError("output 0 cannot be built")


def converted() -> sp.Conversion:
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(60, 4))
    model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=2000, tol=1e-2, random_state=0)
    model.fit(samples, samples[:, 0])
    return sp.convert(model, data=samples, labels=samples[:, 0], ticks=32)


@cache
def shown_values() -> dict[str, object]:
    """Return the values by name."""
    rng = np.random.default_rng(0)
    spec, result = compiled()
    recorded = sp.units(np.eye(20, 2, dtype=bool), delays=[1])
    error, explanation = refused(), sp.explain(sp.Spec(impossible().patterns))
    inputs = [pattern.inputs for pattern in spec.patterns]
    (trace, *_) = sp.run(by_hand(), [rng.random((400, 2)) < 0.4], record="state")
    whole = sp.run(result.program, inputs, record="state")
    seen = sp.Spec([sp.Pattern(x, y.spikes) for x, y in zip(inputs, whole, strict=True)], delays=spec.delays)
    recovery = sp.recover(seen, [each.potentials for each in whole if each.potentials is not None])
    conversion = converted()
    held_out = sp.verify(result.program, spec, test=compiled(4)[0]).test
    assert held_out is not None
    events = np.array([(0, 0, 0, 1), (900, 1, 1, 0)], dtype=[("t", "i8"), ("x", "i2"), ("y", "i2"), ("p", "i2")])
    proof = explanation.proof
    assert proof is not None
    line = sp.specs.delay_line([2])
    repeats = sp.compile(line).program
    system = sp.System({"first": repeats, "second": repeats}, wires=[("first.0", "second.0")])
    automaton = line.automaton
    assert automaton is not None
    spikes = [sp.run(by_hand(), rng.random((40, 2)) < rate).spikes for rate in np.linspace(0.1, 0.9, 20)]
    readout = Readout().fit(spikes, np.arange(20))
    curve = readout_curve(spikes, np.arange(20), readouts=[Readout(), Readout(bits=1)])
    return {
        "pattern": spec.patterns[0],
        "spec": spec,
        "long spec": sp.Spec([sp.Pattern(np.ones((20_000, 40), bool), np.eye(20_000, 40, dtype=bool))]),
        "rule": spec.chip.rule,
        "automaton": sp.Automaton(n_inputs=12, n_outputs=1, start=0, step=lambda state, row: (0, [row[0]])),
        "program": result.program,
        "big program": big_program(),
        "shared program": shared_program(),
        "shared synapses": shared_program().shared[0],
        "synapse table": shared_program().synapses,
        "result": result,
        "report": result.report,
        "deviation": sp.compile(sp.Spec(impossible().patterns), on_infeasible="closest").report.deviations[0],
        "network": result.network,
        "neuron": result.network.neurons[0],
        "trace": trace,
        "verification": sp.verify(result.program, spec, ["kernel", "reference"]),
        "robustness": sp.verify(result.program, spec, robust=sp.Robust(jitter=1)).robustness,
        "backend check": sp.verify(result.program, spec).backends["kernel"],
        "held-out scores": held_out,
        "held-out output": held_out.outputs[0],
        "explanation": explanation,
        "units": recorded,
        "unit": recorded.units[0],
        "verdict": explanation.verdicts[0],
        "proof": proof,
        "step proof": StepProof((Lemma("reset", True, 0.5),)),
        "conflict": error.conflicts[0],
        "error": error,
        "journal": JournalProgress("0" * 64, "loihi1", 0, HOSTILE, (JOURNAL_STEP,), 2.0),
        "journal step": JOURNAL_STEP,
        "placement": sp.place(result.program),
        "activity": sp.activity(result.program, inputs),
        "recall": sp.measure_recall(*ring_of_two(), trials=3),
        "recall proof": sp.prove_recall(*ring_of_two()),
        "recovery": recovery,
        "recovered neuron": recovery.neurons[0],
        "conversion": conversion,
        "quantized": conversion.quantized,
        "mismatch": conversion.quantized.mismatch,
        "change": conversion.quantized.changes[0],
        "trained network": hostile_network(conversion.network),
        "events": sp.from_events(events, dt_ms=0.1, sensor_size=(2, 2)),
        "system": system,
        "parts": sp.prove_parts(system, {"first": automaton, "second": automaton}),
        "simulator": sp.Simulator(result.program, "reference"),
        "balanced code": BalancedCode([[-0.02]], [[0.02]]),
        "levels": Levels().fit(rng.normal(size=(9, 200))),
        "latency": Latency(),
        "delta": Delta(),
        "contrast": Contrast().fit(rng.normal(size=(9, 3))),
        "adaptive fields": AdaptiveFields(),
        "questions": Questions.one_vs_one(10, voters=3),
        "readout": readout,
        "readout curve": curve,
        "curve point": curve.points[0],
        "graded readout": sp.with_readout(by_hand(), readout),
    }


def ring_of_two() -> tuple[sp.Program, Raster]:
    """Return a program whose neurons repeat the spikes of their lines every two ticks, and a raster of two ticks."""
    program = sp.Program.from_arrays(
        chip="loihi1", n_inputs=2, n_neurons=2, pre=range(4), post=[0, 1] * 2, delay=2, weight=9, threshold=5
    )
    return program, np.eye(2, dtype=bool)


def hostile_network(network: TrainedNetwork) -> TrainedNetwork:
    """Return the network with names as a file might have them."""
    from dataclasses import replace

    populations = tuple(replace(each, name=HOSTILE) for each in network.populations)
    return replace(network, name=HOSTILE, populations=populations, notes=(HOSTILE,))
