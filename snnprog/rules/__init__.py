"""The rule of a chip as a value, and all that is made from it.

- `expressions`, `rule`: the language, and the value.
- `loihi`, `xylo`: the rules of the chips that are built in.
- `interpreter`: a tick on NumPy arrays; the reference.
- `compiled`: the same as generated code: `source` writes it, calling `operations`; `neuron` runs a single neuron.
- `ranges`: how far every value can go, proved.
- `linear`: the rule without rounding and without ends, and the bound on what that takes away; `resolve` finds the sums.
- `bitvectors`: the rule as formulas for solvers; `vectors` and `products` are what these are made of.
- `equations`: the rule as LaTeX.
- `data`: the rule as plain data, for files.
- `limits`: how large a rule may be, and what its numbers may be.

What one writes a rule with is here; the others are modules of their own.
"""

from __future__ import annotations

from snnprog.rules.expressions import (
    Const,
    End,
    Expression,
    Ref,
    Rounding,
    clip,
    fold,
    greatest,
    leak,
    least,
    saturate,
    scale,
    select,
    shift_right,
    wrap,
)
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
