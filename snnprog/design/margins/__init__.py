"""One neuron's margin problem: the widest margin, or a sufficient one, by the cheapest method."""
