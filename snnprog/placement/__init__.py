"""Placement of a program on the cores of its chip: the core of each neuron, and the resources used."""

from __future__ import annotations

from snnprog.placement.counting import CoreCount, count_cores
from snnprog.placement.placer import Placement, place
from snnprog.placement.usage import CoreUsage

__all__ = ["CoreCount", "CoreUsage", "Placement", "count_cores", "place"]
