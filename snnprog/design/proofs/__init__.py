"""Why a neuron cannot be built: proofs in integers, found from a solver's floats, and the smallest conflicts."""
