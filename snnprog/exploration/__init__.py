"""Proofs about every input stream: a program's states explored together with an automaton's."""

from snnprog.exploration.proof import PROVED, REFUTED, UNDECIDED, StreamProof
from snnprog.exploration.proving import prove

__all__ = ["PROVED", "REFUTED", "UNDECIDED", "StreamProof", "prove"]
