"""Linked programs against their parts, run alone and run together tick by tick; refusals; relays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shared_programs
from linked_systems import composed, late, random_system
from untyped import untyped

import snnprog as sp
from snnprog.chips import find_chip
from snnprog.linking.relays import relay_of

CHIPS = ("loihi1", "loihi2", "xylo", "fpga", "fpga-subtract", "fpga-ge", "fpga-subtract-ge")
SEEDS = 8


@pytest.mark.parametrize("chip", CHIPS)
def test_linked_programs_do_what_their_parts_do(chip: str) -> None:
    spikes = linked = relays = refused = 0
    for seed in range(2 * SEEDS if chip == "xylo" else SEEDS):
        generator = np.random.default_rng(seed)
        system, wires, inputs, outputs = random_system(generator, chip)
        try:
            program = system.program
        except (sp.SpecError, sp.LimitError):
            refused += 1
            continue
        raster = generator.random((40 if seed % 4 else 240, program.n_inputs)) < 0.5
        expected = composed(system.parts, wires, inputs, outputs, raster)
        for backend in ("reference", "kernel"):
            assert np.array_equal(sp.run(program, raster, backend=backend).spikes, expected), (seed, backend)
        spikes, linked = spikes + int(expected.sum()), linked + 1
        relays += program.n_neurons - sum(part.n_neurons for part in system.parts.values())
    assert refused == 0 or (chip == "xylo" and linked >= SEEDS // 2)
    assert spikes > 30
    assert relays > 10


def test_feedback_is_that_of_two_simulators_in_lockstep() -> None:
    generator, found = np.random.default_rng(7), 0
    for _ in range(8):
        parts = {}
        for name in ("a", "b"):
            parts[name] = sp.Program.from_arrays(
                chip="loihi1",
                n_inputs=2,
                n_neurons=2,
                pre=[0, 1, 0, 1, 2],
                post=[0, 0, 1, 1, 1],
                delay=generator.integers(1, 4, 5),
                weight=generator.integers(-20, 60, 5),
                threshold=generator.integers(20, 40, 2),
                outputs=[0, 1],
            )
        ahead, back = int(generator.integers(1, 4)), int(generator.integers(1, 80))
        wires = [("a.0", "b.0", ahead), ("b.1", "a.1", back)]
        program = sp.link(parts, wires=wires, outputs=["a.0", "a.1", "b.0", "b.1"])
        raster = generator.random((200, 2)) < 0.4  # a.0 and b.1
        one, two = (sp.Simulator(part, backend="reference") for part in parts.values())
        sent: list[list[bool]] = []
        for tick, row in enumerate(raster):
            from_a = sent[tick - ahead][0] if tick >= ahead else False
            from_b = sent[tick - back][3] if tick >= back else False
            spikes = [
                *one.step(np.array([[row[0], from_b]])).spikes[0],
                *two.step(np.array([[from_a, row[1]]])).spikes[0],
            ]
            sent.append(list(map(bool, spikes)))
        assert np.array_equal(sp.run(program, raster).spikes, np.array(sent))
        found += int(np.sum(sent))
    assert found > 200


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("further", [1, 63, 127])
def test_relays_repeat_every_train(chip: str, further: int) -> None:
    part = repeater(chip)
    raster = np.random.default_rng(further).random((400, 1)) < 0.6
    plain = sp.run(part, raster).spikes
    for inputs, outputs in ((["a.0"], {"o": ("a.0", further)}), ({"x": [("a.0", further)]}, ["a.0"])):
        program = sp.link({"a": part}, inputs=inputs, outputs=outputs)
        assert np.array_equal(sp.run(program, raster).spikes, late(plain[:, 0], further)[:, None])
        assert program.n_neurons > part.n_neurons or (chip != "xylo" and further < 63)
    assert plain.sum() > 100


def test_relays_are_few() -> None:
    """One chain serves all readers of a source, and a synapse takes up to 63 ticks by itself."""
    part, readers = repeater("loihi1"), {f"r{number}": repeater("loihi1") for number in range(3)}
    wires = [("a.0", f"r{number}.0", further) for number, further in enumerate((62, 63, 200))]
    program = sp.link({"a": part, **readers}, wires=wires)
    assert program.n_neurons == 4 + 3
    assert sorted(program.delay.tolist()) == [1, 1, 12, 63, 63, 63, 63]


def test_a_chain_may_have_a_thousand_relays() -> None:
    program = sp.link({"a": repeater("loihi1")}, outputs={"late": ("a.0", 1 << 16)})
    assert program.n_neurons == 1 + -(-(1 << 16) // 63)


def test_a_relay_is_no_relay_if_it_forgets_or_repeats_itself() -> None:
    chip = find_chip("fpga-subtract")
    relay = relay_of(chip, 0)
    assert relay.repeats(chip)
    assert not replace(relay, potential_decay=0).repeats(chip)  # what the reset leaves of the potential stays
    assert not replace(relay, threshold=relay.weight).repeats(chip)
    xylo = relay_of(find_chip("xylo"), 0)
    assert xylo.repeats(find_chip("xylo"))
    assert not replace(xylo, back=0).repeats(find_chip("xylo"))


def test_convolutions_stay_where_their_lines_stay_neighbours() -> None:
    generator, counts = np.random.default_rng(3), [0, 0]
    for seed in range(12):
        part = shared_programs.random_program(seed)
        if not part.shared or part.n_inputs > 60:
            continue
        source = repeater("loihi1", lines=part.n_inputs)
        order = list(range(part.n_inputs)) if seed % 2 else generator.permutation(part.n_inputs).tolist()
        wires = [(f"s.{output}", f"c.{line}", 2) for line, output in enumerate(order)]
        program = sp.link({"s": source, "c": part}, wires=wires)
        raster = generator.random((60, part.n_inputs)) < 0.3
        sent = sp.run(source, raster).spikes[:, order]
        heard = np.stack([late(train, 2) for train in sent.T], axis=1)
        assert np.array_equal(sp.run(program, raster).spikes, sp.run(part, heard).spikes)
        counts[seed % 2] += len(program.shared)
    assert counts[0] < counts[1]


def test_a_shared_input_drives_several_lines() -> None:
    parts = {"a": repeater("loihi1"), "b": repeater("loihi1")}
    program = sp.link(parts, inputs={"x": ["a.0", ("b.0", 4)]})
    assert (program.n_inputs, program.n_outputs) == (1, 2)
    spikes = sp.run(program, np.array([[1], [0], [0], [0], [0], [0], [0]], np.bool_)).spikes
    assert np.argwhere(spikes).tolist() == [[1, 0], [5, 1]]


def test_the_result_is_an_ordinary_program(tmp_path: Path) -> None:
    program = sp.link({"a": repeater("loihi1"), "b": repeater("loihi1")}, wires=[("a.0", "b.0", 70)])
    program.save(tmp_path / "p.snnp")
    again = sp.load(tmp_path / "p.snnp")
    assert untyped(again.provenance)["linked"]["relays"] == 1
    assert np.array_equal(again.delay, program.delay)
    assert sp.place(program).cores == 1
    linked_again = sp.link({"c": program, "d": repeater("loihi1")}, wires=[("c.0", "d.0")])
    raster = np.random.default_rng(0).random((200, 1)) < 0.5
    assert np.array_equal(sp.run(linked_again, raster).spikes[:, 0], late(raster[:, 0], 73))
    sp.export(program, tmp_path / "p.c")


def repeater(chip: str, *, lines: int = 1) -> sp.Program:
    """Return a program that repeats its lines a tick later, spike for spike; on Xylo nearly."""
    weight, threshold = (8, 9) if chip == "xylo" else (100, 50)
    return sp.Program.from_arrays(
        chip=chip,
        n_inputs=lines,
        n_neurons=lines,
        pre=range(lines),
        post=range(lines),
        weight=weight,
        threshold=threshold,
        potential_decay=1 if chip == "xylo" else 4095,
    )


A, TWO = repeater("loihi1"), repeater("loihi1", lines=2)


@pytest.mark.parametrize(
    ("parts", "given", "message"),
    [
        ({}, {}, "parts must name at least one part, got none"),
        ({"a": A, "b": repeater("fpga")}, {}, r"for the same chip, got loihi1 \(a\) and fpga \(b\)"),
        (
            {"a": A, "b": replace(A, chip=replace(A.chip, cores=7, delays=(1, 9)))},
            {},
            "for the same chip, got two chips 'loihi1', of a and b, that differ in delays and cores; compile",
        ),
        ({"a.b": A}, {}, "the name of a part must begin with a letter.* got 'a.b'"),
        ({"a": A, "b": A}, {"wires": [("a.0", "c.0")]}, "'c.0' names an unknown part 'c'; the parts are a, b"),
        ({"adder": A, "b": A}, {"wires": [("ader.0", "b.0")]}, "unknown part 'ader'; did you mean 'adder'"),
        ({"a": A, "b": A}, {"wires": [("a.0", "b.1")]}, "part 'b' has no input line '1': it has 1 input line$"),
        ({"a": A, "b": A}, {"wires": [("a.2", "b.0")]}, "part 'a' has no output '2': it has 1 output"),
        ({"a": A, "b": A}, {"wires": [("a", "b.0")]}, "an output must be 'part.name', got 'a'"),
        ({"a": A, "b": A}, {"wires": [("a.0",)]}, "a wire must be"),
        ({"a": A, "b": A}, {"wires": ["a.0"]}, "a wire must be"),
        ({"a": A, "b": A}, {"wires": [("a.0", "b.0", -1)]}, "must be from 0 to 65536 ticks, got -1"),
        ({"a": A, "b": A}, {"wires": [("a.0", "b.0", 0.5)]}, "must be an integer, got 0.5"),
        (
            {"a": TWO, "b": A},
            {"wires": [("a.0", "b.0"), ("a.1", "b.0")]},
            "line 'b.0' must have one source, got output 'a.0' and output 'a.1'; join them",
        ),
        (
            {"a": A, "b": A},
            {"wires": [("a.0", "b.0")], "inputs": {"x": ["a.0", "b.0"]}},
            "line 'b.0' must have one source, got output 'a.0' and input 'x'",
        ),
        ({"a": A, "b": A}, {"inputs": {"x": "a.0"}}, "line 'b.input 0' must have a source, got none"),
        ({"a": A}, {"wires": [("a.0", "a.0")]}, "outputs must name the outputs of the system: every output"),
        ({"a": A}, {"outputs": []}, "at least one output"),
        ({"a": A}, {"outputs": {"x": "a.0", "y": "a.0"}}, "outputs 'x' and 'y' are the same output"),
        ({"a": A}, {"outputs": ["a.0", "a.0"]}, "outputs must be different, got 'a.0' twice"),
        ({"a": A}, {"outputs": {"x": 3}}, "must be 'part.name' or"),
        ({"a": A}, {"outputs": 3}, "outputs must be a mapping"),
        ({"a": 3}, {}, "part 'a' must be a Program, got an int"),
        ([A], {}, "parts must be a mapping"),
    ],
)
def test_refusals_name_the_place(parts: object, given: dict[str, object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.link(untyped(parts), **untyped(given))


def test_a_potential_does_not_drive_a_wire() -> None:
    potential = sp.Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=1, pre=0, post=0, weight=9, threshold=131071, readout=1
    )
    with pytest.raises(sp.SpecError, match="output 0 of part 'a' is read by its potential and must not drive a wire"):
        sp.link({"a": potential, "b": A}, wires=[("a.0", "b.0")])
    program = sp.link({"a": A, "b": potential}, wires=[("a.0", "b.0")])
    assert program.is_read_by_potential.tolist() == [True]


def test_a_second_spike_in_a_tick_does_not_drive_a_wire() -> None:
    strong = replace(repeater("xylo"), threshold=np.array([2], np.int32))
    with pytest.raises(sp.SpecError, match="outputs of part 'a' that drive wires must spike at most once in a tick"):
        sp.link({"a": strong, "b": repeater("xylo")}, wires=[("a.0", "b.0")])


def test_both_a_wire_and_an_output_on_a_chip_with_readouts_apart() -> None:
    program = sp.link(
        {"a": repeater("xylo"), "b": repeater("xylo")}, wires=[("a.0", "b.0")], outputs={"one": "a.0", "two": "b.0"}
    )
    raster = np.random.default_rng(2).random((300, 1)) < 0.5
    first = sp.run(repeater("xylo"), raster).spikes
    second = sp.run(repeater("xylo"), first).spikes
    assert np.array_equal(sp.run(program, raster).spikes, np.concatenate([first, second], axis=1))
    assert second.sum() > 20


def named(inputs: list[str], outputs: list[str]) -> sp.Program:
    """Return a repeater whose lines and outputs have names."""
    return replace(repeater("loihi1", lines=len(inputs)), input_names=tuple(inputs), neuron_names=tuple(outputs))


def test_wires_lead_by_name_and_the_result_has_names() -> None:
    parts = {"detector": named(["mic"], ["arm"]), "machine": named(["start", "coin"], ["open", "lamp"])}
    program = sp.link(parts, wires=[("detector.arm", "machine.start", 70)], outputs={"door": "machine.open"})
    assert program.input_names == ("detector.mic", "machine.coin")
    assert program.output_names == ("door",)
    assert program.neuron_names == ("detector.arm", "door", "machine.lamp", "relay 0")
    again = sp.link(
        {"lock": program, "b": A},
        wires=[("lock.door", "b.0")],
        inputs={"sound": "lock.detector.mic", "c": "lock.machine.coin"},
    )
    assert again.input_names == ("sound", "c")
    assert again.neuron_names is not None
    assert again.neuron_names[0] == "lock.detector.arm"
    for wire, message in (
        (("detector.arn", "machine.start"), "part 'detector' has no output 'arn': it has 1 output; did you mean 'arm'"),
        (("detector.mic", "machine.start"), "part 'detector' has no output 'mic': .*; 'mic' is an input line"),
        (("detector.arm", "machine.stat"), "part 'machine' has no input line 'stat': .*; did you mean 'start'"),
        (("detector.arm", "machine.lamp"), "part 'machine' has no input line 'lamp': .*; 'lamp' is an output"),
    ):
        with pytest.raises(sp.SpecError, match=message):
            sp.link(parts, wires=[wire])


def test_a_copy_that_is_read_has_the_name_of_the_output() -> None:
    parts = {"a": repeater("xylo"), "b": repeater("xylo")}
    program = sp.link(parts, wires=[("a.0", "b.0")], outputs=["a.0", "b.0"])
    assert program.output_names == ("a.output 0", "b.output 0")
    assert program.neuron_names == ("feeding 0", "b.output 0", "a.output 0")


def saturating(weights: list[int]) -> sp.Program:
    """Return a neuron of Xylo whose current saturates after some of its events: their order matters."""
    lines = len(weights)
    return sp.Program.from_arrays(
        chip="xylo",
        n_inputs=lines,
        n_neurons=1,
        pre=range(lines),
        post=0,
        weight=weights,
        exponent=7,
        threshold=9000,
        current_decay=1,
        potential_decay=1,
    )


@pytest.mark.filterwarnings("ignore::snnprog.PortabilityWarning")  # runtimes agree below the ends only
def test_events_that_may_saturate_keep_their_order() -> None:
    strong = replace(repeater("xylo", lines=4), threshold=np.full(4, 150, np.int32))
    strong = strong.with_synapses(weight=np.ones(4, np.int32), exponent=np.full(4, 7, np.int32))
    parts = {"a": strong, "b": saturating([127, 127, 127, -128])}
    wires = [(f"a.{line}", f"b.{line}") for line in range(4)]
    program = sp.link(parts, wires=wires)
    raster = np.random.default_rng(5).random((400, 4)) < 0.9
    heard = sp.run(strong, raster).spikes
    expected = sp.run(parts["b"], heard).spikes
    assert np.array_equal(sp.run(program, raster).spikes, expected)
    assert expected.sum() > 20
    swapped = sp.run(saturating([-128, 127, 127, 127]), heard[:, ::-1]).spikes
    assert not np.array_equal(swapped, expected)
    message = "the order of events at neurons of part 'b'"
    for other in (
        {"parts": parts, "wires": [(f"a.{line}", f"b.{3 - line}") for line in range(4)]},
        {"parts": {"b": parts["b"], "a": strong}, "wires": wires},
        {"parts": parts, "wires": [*wires[:3], ("a.3", "b.3", 1)]},
    ):
        with pytest.raises(sp.LimitError, match=message):
            sp.link(**untyped(other))
    weak = saturating([1, 1, 1, -1])
    assert sp.link({"b": weak, "a": strong}, wires=wires).n_neurons == 5
