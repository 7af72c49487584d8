"""One neuron's margin problem: the widest margin there is, or one that is wide enough, by the cheapest method."""
