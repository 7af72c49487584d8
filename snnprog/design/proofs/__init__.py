"""Why a neuron cannot be built: proofs in whole numbers, found from a solver's floats, and the smallest conflicts."""
