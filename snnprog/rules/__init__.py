"""The rule of a chip as a value, and all that is made from it.

- `expressions`, `rule`: the language, and the value.
- `loihi`, `xylo`: the rules of the chips that are built in.
- `interpreter`: a tick on NumPy arrays; the reference.
- `compiled`: the same as generated code.
- `ranges`: how far every value can go, proved.
- `linear`: the rule without rounding and without ends, and the bound on what that takes away.
- `equations`: the rule as LaTeX.
- `data`: the rule as plain data, for files.
"""
