"""Recall of stored rasters from imperfect cues: proved forevery cue with one changed bin, measured for noisier ones.

A program recalls a memory from a cue if its outputs are the stored raster from the first tick after the cue on, in
phase with it, forever. A run of finite length can decide this: without input, a program in a state in which it has
been before repeats what it did since. So each cue is run from rest, followed by silence. It is recalled if no output is
wrong up to the end of the run, and the state is then the same as one period earlier. The state is all currents and
potentials, and the spikes that are still on their way.

`prove_recall` runs *every* cue with one changed bin, so that its result is a proof. `measure_recall` runs a random
sample of cues with many changed bins: what it finds is a measurement.
"""

from snnprog.recall.cues import noisy_cue
from snnprog.recall.recalling import measure_recall, prove_recall
from snnprog.recall.results import Recall, RecallProof

__all__ = ["Recall", "RecallProof", "measure_recall", "noisy_cue", "prove_recall"]
