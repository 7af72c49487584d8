"""Proofs about every input stream, by exploring the states of a program and an automaton."""

from snnprog.exploration.proof import PROVED, REFUTED, UNDECIDED, StreamProof
from snnprog.exploration.proving import prove

__all__ = ["PROVED", "REFUTED", "UNDECIDED", "StreamProof", "prove"]
