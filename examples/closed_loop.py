"""A thermostat of spiking neurons in a closed loop with the house that it heats, tick by tick.

The controller is a state machine, compiled to an exact program. What it hears depends on what it did: the house gets
warm while it heats, so its input cannot be known before it runs. `sp.Simulator` goes on where it stopped, here by one
tick (a minute) at a time. The same loop runs a chip, where BACKEND names a backend that streams.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import snnprog as sp

BACKEND = "kernel"
MINUTES = 7 * 24 * 60
THERMOSTAT = {
    "off": {"cold": "heating", "opened": "paused"},
    "heating": {"warm": "off", "opened": "paused"},
    "paused": {"shut": "off"},  # a window is open
}
SYMBOLS = ("cold", "opened", "warm", "shut")
"""In the order in which the table names them first: the input lines."""
HEATING = 0
"""The output for the state "heating", two ticks after what led to it."""


class House:
    """A house in winter: its temperature in °C, and a window that somebody opens now and then."""

    def __init__(self, seed: int) -> None:
        self.temperature, self.minute, self.closes_at = 15.0, 0, -1
        self._generator = np.random.default_rng(seed)

    def pass_minute(self, *, is_heated: bool) -> str | None:
        """Let a minute pass; return what the sensors tell: a symbol, or None."""
        outside = 2.0 - 5.0 * np.cos(2 * np.pi * self.minute / (24 * 60))
        loss = 0.02 if self.minute < self.closes_at else 0.002  # of the difference, per minute
        self.temperature += 0.08 * is_heated - loss * (self.temperature - outside)
        self.minute += 1
        if self.minute == self.closes_at:
            return "shut"
        if self.minute > self.closes_at and self._generator.random() < 1 / 400:
            self.closes_at = self.minute + int(self._generator.integers(5, 30))
            return "opened"
        return "cold" if self.temperature < 19.0 else "warm" if self.temperature > 21.0 else None


def main() -> None:
    """Heat the house for a week; compare the neurons with the table, and with a run of all that they heard."""
    program = sp.compile(replace(sp.specs.finite_state_machine(THERMOSTAT), sparse=True)).program
    print(f"{program.n_neurons} neurons and {program.n_synapses} synapses")
    house, heard, temperatures, outputs = House(seed=1), [], [], []
    expected, is_heated = ["off", "off"], False  # the program answers two ticks later
    with sp.Simulator(program, BACKEND) as controller:
        for _ in range(MINUTES):
            symbol = house.pass_minute(is_heated=is_heated)
            heard.append([] if symbol is None else [SYMBOLS.index(symbol)])
            outputs.append(controller.step(heard[-1]).spikes[0])
            is_heated = bool(outputs[-1][HEATING])
            expected.append(THERMOSTAT[expected[-1]].get(symbol or "", expected[-1]))
            temperatures.append(house.temperature)
    spikes, states = np.array(outputs), np.array(expected[:MINUTES])
    wrong = int((spikes[:, HEATING] != (states == "heating")).sum())
    share, mean = spikes[:, HEATING].mean(), np.mean(temperatures)
    print(f"{MINUTES} minutes: heated {share:.0%} of the time, {mean:.1f} °C on average")
    print(f"{wrong} minutes in which the neurons were in another state than the table says")
    raster = np.array([[line in lines for line in range(program.n_inputs)] for lines in heard])
    print(f"{int((sp.run(program, raster).spikes != spikes).sum())} bins differ from a run of what was heard")


if __name__ == "__main__":
    main()
