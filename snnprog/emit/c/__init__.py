"""Export of programs as C99 for microcontrollers, generated from the rule of the chip.

- `emitter`: the two files; what one calls is here.
- `lean`: what of a rule has to be emitted, and how far values go.
- `texts`, `helpers`: one text for each node of an expression, and the functions that texts call.
- `tick`, `step`: the functions of a program, and the rule's steps in them.
- `wiring`, `groups`, `kernels`, `ordered`: how spikes are carried, and the forms that synapses take in flash.
- `tables`, `types`, `names`, `code`, `ruletext`: what all of them share.
"""

from __future__ import annotations

from snnprog.emit.c.emitter import CSource, to_c, write_c

__all__ = ["CSource", "to_c", "write_c"]
