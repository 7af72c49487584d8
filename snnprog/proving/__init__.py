"""Proofs for every input that the generated hardware and C equal the rule.

- `step`: one tick of a neuron, and the gathering of one event, in Verilog.
- `core`: the time-multiplexed core in Verilog, by induction over neurons and synapses.
- `special`: the Verilog of one program, whole: from any state, one tick is the program's.
- `c_step`, `c_semantics`: one tick of each neuron of a program in C.
- `lemmas`: what is shown once, and for all products.
- `circuits`, `btor`: Verilog as formulas, by way of Yosys.
"""
