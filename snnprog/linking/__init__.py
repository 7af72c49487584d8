"""Programs joined to one, and the proof of the whole from the proofs of its parts."""

from snnprog.linking.graded import GradedReadout, with_readout
from snnprog.linking.proving import PartsProof, prove_parts
from snnprog.linking.system import System, link

__all__ = ["GradedReadout", "PartsProof", "System", "link", "prove_parts", "with_readout"]
