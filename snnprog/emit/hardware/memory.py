"""The two kinds of memory of a core, each one small component.

Both read in one clock: what stands at ``address`` is in ``found`` after the next edge, and stays there until the next
read. Neither has contents to begin with, since a UP5K's large blocks have none.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from snnprog.emit.hardware.plan import bits_for

HUGE = "huge"
"""The name in Yosys of a UP5K's blocks of 256 Kbit; other chips have none, and use their usual ones."""


class LargeMemory(Component):
    """One port, which reads or writes in a clock: a UP5K's SPRAM.

    Parameters
    ----------
    width, depth : int
        Bits of a word, and words.
    """

    def __init__(self, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        super().__init__(
            {
                "address": In(bits_for(depth)),
                "is_read": In(1),
                "is_written": In(1),
                "data": In(width),
                "found": Out(width),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Return the logic."""
        m = Module()
        m.submodules.words = words = Memory(shape=self.width, depth=self.depth, init=[], attrs={"ram_style": HUGE})
        write, read = words.write_port(), words.read_port()
        m.d.comb += [
            write.addr.eq(self.address),
            write.data.eq(self.data),
            write.en.eq(self.is_written),
            read.addr.eq(self.address),
            read.en.eq(self.is_read & ~self.is_written),
            self.found.eq(read.data),
        ]
        return m


class SmallMemory(Component):
    """A port that reads and one that writes: block RAM. A word must not be read in the clock in which it is written.

    Parameters
    ----------
    width, depth : int
        Bits of a word, and words.
    """

    def __init__(self, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        bits = bits_for(depth)
        super().__init__(
            {
                "address": In(bits),
                "is_read": In(1),
                "found": Out(width),
                "write_address": In(bits),
                "is_written": In(1),
                "data": In(width),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Return the logic."""
        m = Module()
        m.submodules.words = words = Memory(shape=self.width, depth=self.depth, init=[])
        write, read = words.write_port(), words.read_port()
        m.d.comb += [
            write.addr.eq(self.write_address),
            write.data.eq(self.data),
            write.en.eq(self.is_written),
            read.addr.eq(self.address),
            read.en.eq(self.is_read),
            self.found.eq(read.data),
        ]
        return m
