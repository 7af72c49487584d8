"""The descriptions of rules in program files of versions 1 and 2: dictionaries that must match exactly.

These texts are labels in files and are not used in calculations: they identify the chip's rule. They never
change, although Loihi's current folds where they say "wrap". Files of other chips contain the rule itself
(`snnprog.rules.data`).
"""

from __future__ import annotations

from collections.abc import Mapping

from snnprog.rules.loihi import LOIHI_RULE
from snnprog.rules.xylo import XYLO_RULE

DELAYED = "a spike at tick t acts at tick t + delay"

SEMANTICS: Mapping[str, Mapping[str, str | int]] = {
    LOIHI_RULE.name: {
        "name": LOIHI_RULE.name,
        "rounding": "toward zero",
        "decay_bits": 12,
        "current_decay_offset": 1,
        "input_shift": 6,
        "current_bits": 23,
        "current_overflow": "wrap",
        "potential_bits": 23,
        "potential_overflow": "clip",
        "compare": ">",
        "reset": "zero",
        "delay_origin": DELAYED,
    },
    XYLO_RULE.name: {
        "name": XYLO_RULE.name,
        "rounding": "down, and at least 1 toward zero",
        "decay_bits": 15,
        "current_decay_offset": 0,
        "input_shift": 0,
        "current_bits": 15,
        "current_overflow": "clip after each event",
        "potential_bits": 15,
        "potential_overflow": "clip",
        "compare": ">=",
        "reset": "subtract",
        "delay_origin": DELAYED,
        "most_hidden_spikes": 31,
        "most_readout_spikes": 1,
    },
}
"""Name of a rule -> its description in a file of version 1 or 2."""
