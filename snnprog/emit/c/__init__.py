"""Export of programs as C99 for microcontrollers, generated from the rule of the chip.

- `emitter`: the two files, and the functions to call.
- `lean`: the part of a rule that is emitted, and the ranges of values.
- `texts`, `helpers`: one text for each node of an expression, and the functions that texts call.
- `tick`, `step`: the functions of a program, and the rule's steps in them.
- `wiring`, `groups`, `kernels`, `ordered`: how spikes are carried, and the forms that synapses take in flash.
- `encoder`: adaptive encoders, which have no rule.
- `tables`, `types`, `names`, `code`, `ruletext`: shared by all of them.
"""

from __future__ import annotations

from snnprog.emit.c.emitter import CSource, to_c, write_c

__all__ = ["CSource", "to_c", "write_c"]
