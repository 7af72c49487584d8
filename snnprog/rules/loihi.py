"""Loihi's integer rule, as Lava 0.10.0 runs it (``PyLifModelBitAcc``), with the refractory periods of nengo-loihi.

Only equality with Lava 0.10.0, nengo-loihi 1.1.0's emulator and brian2-loihi 0.5.2 in the watched range is
claimed (Lava issue 322 reports that Intel's own simulator differs for some thresholds and decays). Lava has no integer
model of refractory periods; nengo-loihi's emulator and brian2-loihi have one, and agree.
"""

from __future__ import annotations

from functools import partial

from snnprog.rules.building import clip, fold, greatest, scale, select, wrap
from snnprog.rules.expressions import Ref, Rounding
from snnprog.rules.rule import Parameter, Rule, Step, Watch

arriving, weight, count = Ref("arriving"), Ref("weight"), Ref("count")
a, u, v, held, spikes = Ref("arrivals"), Ref("current"), Ref("potential"), Ref("held"), Ref("spikes")
du, dv, bias, threshold = Ref("current_decay"), Ref("potential_decay"), Ref("bias"), Ref("threshold")
refractory = Ref("refractory")

TOP = 2**23
decayed = partial(scale, bits=12, rounding=Rounding.TOWARD_ZERO)

LOIHI_RULE = Rule(
    name="loihi1-lif-lava-0.10.0",
    registers=("current", "potential", "held"),
    parameters=(
        Parameter("threshold", 1, 131071),
        Parameter("current_decay", 0, 4095),
        Parameter("potential_decay", 0, 4095),
        Parameter("bias", -4095 << 7, 4095 << 7),
        Parameter("refractory", 1, 63),
    ),
    gather=Step("gather", "arriving", arriving + weight * count),
    # The decay of the current is relative to 4095 and that of the potential to 4096, as in Lava. A current folds
    # once into (-2^23, 2^23]; a potential stops at ±(2^23 - 1). Arriving sums wrap at 32 bits in Lava, but all
    # runtimes agree only below 2^21: nengo-loihi's accumulator has 21 bits and a sign.
    steps=(
        Step("arrivals", "arrivals", wrap(arriving << 6, 32)),
        Step("current", "current", fold(decayed(u, 4095 - du) + a, TOP)),
        # While a neuron is refractory its potential is 0 before it is compared.
        Step("potential", "potential", clip(select(held > 0, 0, decayed(v, 4096 - dv) + u + bias), 1 - TOP, TOP - 1)),
        Step("fire", "spikes", v > (threshold << 6)),
        Step("reset", "potential", select(spikes, 0, v)),
        Step("refractory", "held", select(spikes, refractory - 1, greatest(held - 1, 0))),
    ),
    watched=(Watch("arrivals", 2**21), Watch("current", TOP), Watch("potential", TOP)),
)
