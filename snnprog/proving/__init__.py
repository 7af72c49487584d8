"""Proofs for every input: that hardware made from a rule equals it.

- `step`: one tick of a neuron, and the gathering of one event, in Verilog.
- `lemmas`: what is shown once, and for all products.
- `circuits`, `btor`: Verilog as formulas, by way of Yosys.
"""
