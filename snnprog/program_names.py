"""The names of a program's lines and neurons: in words for messages, and from a name to its number."""

from __future__ import annotations

from snnprog.arrays import Int32s
from snnprog.names import Names, find, labelled


class NamedLines:
    """What a program does with its names; `snnprog.program.Program` has the attributes."""

    n_inputs: int
    outputs: Int32s
    input_names: Names | None
    neuron_names: Names | None

    @property
    def output_names(self) -> Names | None:
        """The names of the outputs, in order, or None."""
        return None if self.neuron_names is None else tuple(self.neuron_names[neuron] for neuron in self.outputs)

    def neuron_label(self, neuron: int) -> str:
        """Return what messages call a neuron: "neuron 2", or with its name "neuron 2 (stop)"."""
        return labelled("neuron", neuron, self.neuron_names)

    def output_label(self, output: int) -> str:
        """Return what messages call an output: "output 0", or with its name "output 0 (stop)"."""
        return labelled("output", output, self.output_names)

    def line_label(self, line: int) -> str:
        """Return what messages call a presynaptic line: "input 1 (arm)", or the label of a neuron."""
        if line < self.n_inputs:
            return labelled("input", line, self.input_names)
        return self.neuron_label(line - self.n_inputs)

    def find_input(self, line: int | str) -> int:
        """Return the number of an input line that is given by its number or its name.

        Raises
        ------
        SpecError
            If there is no such line.
        """
        return find("input line", line, self.input_names, self.n_inputs)

    def find_output(self, output: int | str) -> int:
        """Return the number of an output that is given by its number or its name.

        Raises
        ------
        SpecError
            If there is no such output.
        """
        return find("output", output, self.output_names, self.outputs.size)
