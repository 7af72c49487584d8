"""Rules and programs as hardware, written with Amaranth.

- `arithmetic`: every node of a rule's expressions as an Amaranth value, exact.
- `step`: one tick of a neuron, and the gathering of one event, as combinational components; their Verilog.

Amaranth and Yosys are the extra ``fpga``; nothing outside this folder imports them.
"""
