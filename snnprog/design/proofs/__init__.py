"""Proofs of infeasibility: integer proofs found from a solver's floats, and minimal conflicts."""
