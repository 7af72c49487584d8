"""Chips that nobody makes; of one a simulator to plant faults in, and the faults: `planted` runs it.

`MADE_UP` has no current, floors its decay, compares by ``>=``, subtracts the threshold, holds 12 bits, and has no
exponents. The simulator shares no line with the code that has to find the faults.
"""

from __future__ import annotations

from dataclasses import replace

from planted import Changes

from snnprog.chips import Chip, WeightRanges
from snnprog.rules.building import clip, greatest, leak, least, saturate, scale, select, shift_right, wrap
from snnprog.rules.expressions import Ref, Rounding
from snnprog.rules.rule import LayerConstant, Parameter, Rule, Step, Watch

arriving, weight, count, spikes = Ref("arriving"), Ref("weight"), Ref("count"), Ref("spikes")
v, dv, bias, threshold = Ref("potential"), Ref("potential_decay"), Ref("bias"), Ref("threshold")

MADE_UP = Chip(
    name="made-up",
    rule=Rule(
        name="made-up",
        registers=("potential",),
        parameters=(
            Parameter("threshold", 1, 2047),
            Parameter("potential_decay", 0, 255),
            Parameter("bias", -100, 100),
        ),
        gather=Step("gather", "arriving", arriving + weight * count),
        steps=(
            Step(
                "potential",
                "potential",
                saturate(scale(v, 256 - dv, bits=8, rounding=Rounding.FLOOR) + arriving + bias, 12),
            ),
            Step("fire", "spikes", v >= threshold),
            Step("reset", "potential", v - spikes * threshold),
        ),
        watched=(),
    ),
    delays=(1, 8),
    weight_ranges=WeightRanges(mixed=(-128, 127), excitatory=(0, 127), inhibitory=(-128, 0)),
    weight_bits=8,
    usual_decays=(0, 16),
    bias_mantissas=(-100, 100),
)

SIMULATOR = """\
import numpy as np


def simulate(p, count, inputs, raster, lengths):
    weight, delay, is_input = p["weight"], p["delay"].copy(), p["pre"] < inputs
    records, start = [], 0
    for length in lengths:
        v, queue = np.zeros(count, int), np.zeros((10, count), int)
        for tick in range(start, start + length):
            heard = is_input & np.append(raster[tick], np.zeros(count, bool))[p["pre"]]
            np.add.at(queue, (delay[heard], p["post"][heard]), weight[heard])
            v = v * (256 - p["potential_decay"]) // 256 + queue[0] + p["bias"]
            queue = np.append(queue[1:], 0 * queue[:1], axis=0)
            v = np.clip(v, -2048, 2047)
            s = v >= p["threshold"]
            v = v - s * p["threshold"]
            heard = np.append(np.zeros(inputs, bool), s)[p["pre"]]
            np.add.at(queue, (delay[heard] - 1, p["post"][heard]), weight[heard])
            records.append((s, 0 * v, v))
        start += length
    return [np.array(column) for column in zip(*records)]
"""

DECAY = 'v * (256 - p["potential_decay"]) // 256'
CLIP = "v = np.clip(v, -2048, 2047)"
RESET = 'v = v - s * p["threshold"]'

# The name of each rule that must be found, and what plants it.
FAULTS: dict[str, Changes] = {
    "potential decay truncates": ((DECAY, 'np.sign(v) * (np.abs(v) * (256 - p["potential_decay"]) // 256)'),),
    "potential decay rounds to nearest": (
        (DECAY, 'np.sign(v) * ((np.abs(v) * (256 - p["potential_decay"]) + 128) // 256)'),
    ),
    "potential decay with offset": ((DECAY, DECAY.replace("256 - ", "255 - ")),),
    "potential not clipped": ((CLIP, "pass"),),
    "potential wraps": ((CLIP, "v = (v + 2048) % 4096 - 2048"),),
    "potential clipped at the other end": ((CLIP, "v = np.clip(v, -2047, 2047)"),),
    "fires above the threshold only": (("v >= p", "v > p"),),
    "no reset": ((RESET, "pass"),),
    "reset to zero": ((RESET, "v = np.where(s, 0, v)"),),
    "bias missing": ((' + p["bias"]', ""),),
    "delays ignored": (('p["delay"].copy()', '0 * p["delay"] + 1'),),
    "negative weights lost": (('p["weight"], ', 'np.maximum(p["weight"], 0), '),),
}

slow, u, du, hold = Ref("slow"), Ref("current"), Ref("current_decay"), Ref("last_current")
limit, refractory = threshold << 1, Ref("refractory")

ODD = replace(
    MADE_UP,
    name="odd",
    rule=Rule(
        name="odd",
        registers=("slow", "current", "potential", "last_current"),
        parameters=(
            Parameter("threshold", 1, 255),
            Parameter("current_decay", 0, 7),
            Parameter("potential_decay", 0, 63),
            Parameter("bias", -100, 100),
            Parameter("refractory", 1, 7),
        ),
        constants=(LayerConstant("most", hidden=3, readout=2),),
        gather=Step("other_current", "arriving", arriving + weight * count),
        steps=(
            Step("slow", "slow", leak(slow, 3, rounding=Rounding.MOVING) + arriving),
            Step("current", "current", wrap(u - shift_right(u, du, rounding=Rounding.HALF_EVEN) + arriving, 9)),
            Step(
                "potential",
                "potential",
                clip(
                    select(hold > 0, v, scale(v, 64 - dv, bits=6, rounding=Rounding.HALF_UP) + u + slow + bias),
                    -500,
                    511,
                ),
            ),
            Step("fire", "spikes", least(greatest(v, 0) // limit, Ref("most"))),
            Step("reset", "potential", v - limit * spikes),
            Step("held", "last_current", select(spikes, refractory - 1, greatest(hold - 1, 0))),
        ),
        watched=(Watch("current", 128),),
    ),
    usual_decays=(1, 4),
)
"""A chip with a current that no record shows, with names that variations would like to use, and with several spikes a
tick, fewer where they are read out."""
