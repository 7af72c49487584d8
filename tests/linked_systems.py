"""Random systems of random programs, and their reference: each part runs alone on what the others send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import Chip, find_chip

Joined = tuple[str, str, int]
Ends = dict[str, list[tuple[str, int]]]


def random_part(generator: np.random.Generator, chip: str | Chip) -> sp.Program:
    """Return a program with recurrence, several outputs, and spikes at rest among them; readouts apart if they are."""
    found = find_chip(chip)
    n_inputs, n_outputs, n_hidden = (int(generator.integers(*ends)) for ends in ((1, 4), (1, 3), (0, 4)))
    n_neurons, count = n_outputs + n_hidden, int(generator.integers(4, 14))
    outputs = generator.permutation(n_neurons)[:n_outputs]
    pre = generator.integers(0, n_inputs + n_neurons, count)
    post = generator.integers(0, n_neurons, count)
    decays, threshold = generator.integers(*found.potential_decays, n_neurons, endpoint=True), (2, 12)
    if found.is_readout_apart:
        pairs = {pair for pair in zip(pre.tolist(), post.tolist(), strict=True) if pair[0] - n_inputs not in outputs}
        pre, post = (np.array([pair[side] for pair in sorted(pairs)], np.int64) for side in (0, 1))
        decays, threshold = np.full(n_neurons, 1), (3, 9)
    return sp.Program.from_arrays(
        chip=found,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=outputs,
        pre=pre,
        post=post,
        delay=generator.integers(1, min(found.delays[1], 5), len(pre), endpoint=True),
        weight=generator.integers(-3, 9, len(pre)),
        sign_mode=np.ones(0, np.int64) if not len(pre) else None,
        threshold=generator.integers(*threshold, n_neurons),
        potential_decay=decays,
    )


def random_system(generator: np.random.Generator, chip: str | Chip) -> tuple[sp.System, list[Joined], Ends, Ends]:
    """Return a system of one to three parts; its wires, inputs and outputs, the last two as lists of ends by name."""
    parts = {name: random_part(generator, chip) for name in "abc"[: int(generator.integers(1, 4))]}
    lines = [f"{name}.{line}" for name, part in parts.items() for line in range(part.n_inputs)]
    sources = [f"{name}.{output}" for name, part in parts.items() for output in range(part.n_outputs)]
    delays = [0, 0, 1, 3, 70, 150]
    wires = [
        (str(generator.choice(sources)), line, int(generator.choice(delays)))
        for line in lines
        if generator.random() < 0.6
    ]
    free = [line for line in lines if line not in [wire[1] for wire in wires]]
    alone = {f"i{number}": [(line, int(generator.choice([0, 2, 66])))] for number, line in enumerate(free)}
    inputs: Ends = {"x": [(line, 0) for line in free]} if generator.random() < 0.5 else alone
    outputs: Ends = {
        f"o{number}": [(source, int(generator.choice([0, 0, 5, 64, 130])))]
        for number, source in enumerate(sources)
        if number == 0 or generator.random() < 0.7
    }
    system = sp.System(parts, wires=wires, inputs=inputs, outputs={name: ends[0] for name, ends in outputs.items()})
    return system, wires, inputs, outputs


def late(train: Raster, ticks: int) -> Raster:
    """Return a spike train some ticks later."""
    found: Raster = np.concatenate([np.zeros(ticks, np.bool_), train])[: len(train)]
    return found


def composed(
    parts: Mapping[str, sp.Program], wires: Sequence[Joined], inputs: Ends, outputs: Ends, raster: Raster
) -> Raster:
    """Return the outputs of parts that run one by one, again and again until what each sends is what the others read.

    A synapse takes a tick or more, so there is one such answer, and each round extends it by at least one tick.
    """
    sent: dict[str, Raster] = {
        f"{name}.{output}": np.zeros(len(raster), np.bool_)
        for name, part in parts.items()
        for output in range(part.n_outputs)
    }
    while True:
        heard = {line: late(sent[source], ticks) for source, line, ticks in wires}
        for number, ends in enumerate(inputs.values()):
            heard |= {line: late(raster[:, number], ticks) for line, ticks in ends}
        now: dict[str, Raster] = {}
        for name, part in parts.items():
            stimulus = np.stack([heard[f"{name}.{line}"] for line in range(part.n_inputs)], axis=1)
            spikes = sp.run(part, stimulus, backend="reference").spikes
            now |= {f"{name}.{output}": spikes[:, output] for output in range(part.n_outputs)}
        if all(np.array_equal(now[each], sent[each]) for each in sent):
            return np.stack([late(sent[source], ticks) for ((source, ticks),) in outputs.values()], axis=1)
        sent = now
