"""Programs joined to one, and the proof of the whole from the proofs of its parts."""

from snnprog.linking.system import System, link

__all__ = ["System", "link"]
