"""Xylo's integer rule for both layers, as XyloSim v2 runs it (xylosim 0.1.3), saturation included.

Only equality with XyloSim is claimed. A hidden neuron spikes up to 31 times in a tick, one that is read out once.
"""

from __future__ import annotations

from snnprog.rules.building import greatest, leak, least, saturate, shift_right, wrap
from snnprog.rules.expressions import Ref, Rounding
from snnprog.rules.rule import LayerConstant, Parameter, Rule, Step, Watch

weight, count = Ref("weight"), Ref("count")
u, v, loss, spikes, most = Ref("current"), Ref("potential"), Ref("loss"), Ref("spikes"), Ref("most")
du, dv, bias, threshold = Ref("current_decay"), Ref("potential_decay"), Ref("bias"), Ref("threshold")
MOVING = Rounding.MOVING

XYLO_RULE = Rule(
    name="xylo-v2-xylosim-0.1.3",
    registers=("current", "potential"),
    parameters=(
        Parameter("threshold", 1, 32767),
        Parameter("current_decay", 0, 15),
        Parameter("potential_decay", 0, 15),
        Parameter("bias", -127, 127),
    ),
    constants=(LayerConstant("most", hidden=31, readout=1),),
    gather=Step("gather", "current", saturate(u + weight * count, 16)),
    steps=(
        Step("current", "current", leak(u, du, rounding=MOVING)),
        # Negating -32768 returns it unchanged, the only value that wraps here.
        Step("loss", "loss", wrap(-shift_right(v, dv, rounding=MOVING), 16)),
        Step("potential", "potential", saturate(saturate(saturate(loss + u, 16) + bias, 16) + v, 16)),
        Step("fire", "spikes", least(greatest(v, 0) // threshold, most)),
        Step("reset", "potential", v - spikes * threshold),
    ),
    watched=(Watch("gather", 2**15), Watch("potential", 2**15)),
)
