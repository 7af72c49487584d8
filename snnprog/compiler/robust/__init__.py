"""Programs that are exact under every perturbation of their inputs and weights."""

from snnprog.compiler.robust.rounds import robust_built

__all__ = ["robust_built"]
