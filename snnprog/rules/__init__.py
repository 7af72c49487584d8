"""The integer rule of a chip as a value, and everything derived from it.

- `expressions`, `rule`: the language, and the value.
- `loihi`, `xylo`: the rules of the built-in chips.
- `interpreter`: a tick on NumPy arrays; the reference.
- `compiled`: the same as generated code: `source` writes it, calling `operations`; `neuron` runs a single neuron.
- `ranges`: proved bounds of every value.
- `linear`: the rule without rounding and clipping, with a bound on the difference; `resolve` finds the sums.
- `bitvectors`: the rule as formulas for solvers; `vectors` and `products` are their parts.
- `equations`: the rule as LaTeX.
- `data`: the rule as plain data, for files.
- `limits`: limits on the size and the numbers of a rule.

The names for writing rules are exported here; the others are in their modules.
"""

from __future__ import annotations

from snnprog.rules.building import clip, fold, greatest, leak, least, saturate, scale, select, shift_right, wrap
from snnprog.rules.expressions import Const, End, Expression, Ref, Rounding
from snnprog.rules.rule import LayerConstant, Parameter, Rule, Step, Watch

__all__ = [
    "Const",
    "End",
    "Expression",
    "LayerConstant",
    "Parameter",
    "Ref",
    "Rounding",
    "Rule",
    "Step",
    "Watch",
    "clip",
    "fold",
    "greatest",
    "leak",
    "least",
    "saturate",
    "scale",
    "select",
    "shift_right",
    "wrap",
]
