"""Calls with wrong arguments: each public function and class answers in a sentence, and keeps its signature."""

from __future__ import annotations

import enum
import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pytest
from untyped import untyped

import snnprog as sp
from snnprog import chips, networks, rules
from snnprog.chips import Chip, Core
from snnprog.rules import Ref, Rounding, Rule, scale

RASTER = np.zeros((3, 1), np.bool_)
PATTERN = sp.Pattern(RASTER, RASTER)


def is_called(value: object) -> bool:
    """Return whether users call it: a function, or a class that is neither an error, an enumeration nor a base."""
    if not isinstance(value, type):
        return inspect.isfunction(value)
    is_base = Protocol in value.__bases__ or value.__name__ == "Expression"
    return not (issubclass(value, (BaseException, enum.Enum, Warning)) or is_base)


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the name and the value of each public function and class."""
    for module in (sp, sp.automata, sp.coding, sp.specs, chips, networks, rules):
        for name in module.__all__:
            value = getattr(module, name)
            if is_called(value):
                yield f"{module.__name__}.{name}", value


PUBLIC = dict(public())


@pytest.mark.parametrize("name", PUBLIC)
def test_unknown_argument_is_named_in_a_sentence(name: str) -> None:
    value = PUBLIC[name]
    if any(each.kind is each.VAR_KEYWORD for each in inspect.signature(value).parameters.values()):
        pytest.skip("it takes arguments of any name")
    wanted = f"^{value.__name__} has no argument 'zzzz'(; it takes .+)?$"
    with pytest.raises(TypeError, match=wanted):
        value(zzzz=1)


@pytest.mark.parametrize("name", PUBLIC)
def test_signature_and_documentation_stay(name: str) -> None:
    value = PUBLIC[name]
    assert list(inspect.signature(value).parameters) != ["args", "kwargs"]
    assert value.__doc__


FLAGS: dict[str, Callable[[Any], object]] = {
    "snnprog.Spec.recurrent": lambda value: sp.Spec([PATTERN], recurrent=value),
    "snnprog.Spec.sparse": lambda value: sp.Spec([PATTERN], sparse=value),
    "snnprog.compile.widest": lambda value: sp.compile(sp.Spec([PATTERN]), widest=value),
    "snnprog.from_neo.merge": lambda value: sp.from_neo([], dt_ms=1.0, merge=value),
    "snnprog.from_net.delay_shift": lambda value: sp.from_net("n.net", delay_shift=value),
    "snnprog.quantize.fit": lambda value: sp.quantize("n.nir", dt_ms=1.0, fit=value),
    "snnprog.read_rasters.merge": lambda value: sp.read_rasters("x.csv", merge=value),
    "snnprog.units.glm": lambda value: sp.units(np.ones((9, 2), np.bool_), glm=value),
    "snnprog.units.shifted": lambda value: sp.units(np.ones((9, 2), np.bool_), shifted=value),
    "snnprog.networks.run_network.potentials": lambda value: networks.run_network(untyped(None), [], potentials=value),
    "snnprog.coding.BalancedCode.refractory": lambda value: sp.coding.BalancedCode([[-0.1]], [[0.1]], refractory=value),
    "snnprog.coding.Latency.is_paired": lambda value: sp.coding.Latency(is_paired=value),
    "snnprog.specs.counter.reset": lambda value: sp.specs.counter(3, reset=value),
    "snnprog.specs.linear_system.refractory": lambda value: sp.specs.linear_system([[-0.1]], [[0.1]], refractory=value),
    "snnprog.specs.pattern_generator.stop": lambda value: sp.specs.pattern_generator([[[1], [0]]], stop=value),
    "snnprog.specs.truth_table.clock": lambda value: sp.specs.truth_table({(1, 1): 1}, clock=value),
    "snnprog.specs.winner_take_all.reset": lambda value: sp.specs.winner_take_all(3, reset=value),
}


UNCHECKED = {
    *("Conflict.is_minimal", "QuantizedNetwork.has_inputs"),  # results, which users do not make
    *("SpikingClassifier.verbose", "SpikingRegressor.verbose"),  # taken as scikit-learn takes them
    "Chip.is_exponent_shared",  # see test_chips
}


def test_every_flag_is_listed() -> None:
    assert {".".join(name.split(".")[-2:]) for name in FLAGS} | UNCHECKED == {
        f"{value.__name__}.{flag}"
        for value in PUBLIC.values()
        for flag, each in inspect.signature(value).parameters.items()
        if each.annotation == "bool"
    }


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_true_or_false(name: str) -> None:
    for value in ("no", 1, None):
        with pytest.raises(sp.SpecError, match=f"^{name.rpartition('.')[2]} must be True or False, got {value!r}"):
            FLAGS[name](value)


CALLS: tuple[tuple[Callable[..., Any], tuple[object, ...], dict[str, object], str], ...] = (
    (sp.Spec, (), {"recurent": True}, "Spec has no argument 'recurent'; did you mean 'recurrent'?"),
    (
        sp.Spec,
        (),
        {"current_decay": 3},
        "Spec has no argument 'current_decay'; it belongs to Dynamics: dynamics=Dynamics(current_decay=…)",
    ),
    (Core, (), {"neuron": 4}, "Core has no argument 'neuron'; did you mean 'neurons'?"),
    (Chip, (), {"nam": "a"}, "Chip has no argument 'nam'; did you mean 'name'?"),
    (Rule, ("a", (), ()), {"gather": (), "steps": ()}, "Rule needs the argument watched=…"),
    (scale, (Ref("u"), 3), {"bits": 4}, "scale needs the argument rounding=…"),
    (sp.Pattern, (), {}, "Pattern needs the arguments inputs=… and targets=…"),
    (sp.load, ("a.snnp",), {"path": "b"}, "load got 'path' twice, without its name and by name; give it once"),
    (sp.compile, (None,), {"sed": 3}, "compile has no argument 'sed'; did you mean 'seed'?"),
    (
        sp.compile,
        (None, 3),
        {},
        "compile takes at most 1 argument (spec) without a name, got 2; give the others by name, such as seed=…",
    ),
    (
        sp.Dynamics,
        (1, 2, 3),
        {},
        "Dynamics takes at most 2 arguments (potential_decay, current_decay) without a name, got 3",
    ),
    (sp.Program.from_arrays, (), {"wieght": 3}, "Program.from_arrays has no argument 'wieght'; did you mean 'weight'?"),
    (sp.specs.delay_line, (), {"delay": 3}, "delay_line has no argument 'delay'; did you mean 'delays'?"),
    (sp.compile, (None,), {"closest": True}, "compile has no argument 'closest'; write on_infeasible='closest'"),
    (
        sp.sweep,
        ([],),
        {"workers": 4},
        "sweep has no argument 'workers'; write executor=concurrent.futures.ProcessPoolExecutor(…)",
    ),
    (
        sp.Dynamics,
        (),
        {"tau_potential": 20.0},
        "Dynamics has no argument 'tau_potential'; write sp.Dynamics.from_time_constants(…)",
    ),
    (replace, (PATTERN,), {"car": RASTER}, "Pattern has no argument 'car'; did you mean 'care'?"),
)


@pytest.mark.parametrize(("function", "args", "kwargs", "sentence"), CALLS)
def test_sentence(
    function: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object], sentence: str
) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        function(*args, **kwargs)


SPEC = sp.Spec([PATTERN], delays=[1])
PROGRAM = sp.Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=1, threshold=100, pre=0, post=0, weight=4)
SWAPPED: dict[str, tuple[object, ...]] = {
    "activity": ([RASTER], PROGRAM),
    "error_bound": (3, PROGRAM),
    "export": ("x.c", PROGRAM),
    "measure_recall": ([RASTER], PROGRAM),
    "plot_margins": (SPEC, PROGRAM),
    "plot_potential": (PATTERN, PROGRAM),
    "plot_weights": (0, PROGRAM),
    "prove": ("spike", PROGRAM),
    "prove_recall": ([RASTER], PROGRAM),
    "recover": ([RASTER], SPEC),
    "run": (RASTER, PROGRAM),
    "save_spec": ("x.toml", SPEC),
    "Simulator": ("kernel", PROGRAM),
    "verify": (SPEC, PROGRAM),
    "with_readout": (sp.coding.Readout(), PROGRAM),
    "write_rasters": ([RASTER], "x.npz"),
    "write_report": ("x.html", SPEC, PROGRAM),
}
"""Public functions, and their arguments without a name in the wrong order."""


@pytest.mark.parametrize("name", SWAPPED)
def test_swapped_arguments_are_recognised(name: str) -> None:
    if name.startswith("plot_"):
        pytest.importorskip("matplotlib")
    with pytest.raises(sp.SpecError, match=r"^[^;]* must be .*, got [^;]* \(arguments swapped\?\)$"):
        getattr(sp, name)(*SWAPPED[name])


def test_arguments_in_order_are_not_called_swapped() -> None:
    with pytest.raises(sp.SpecError, match=r", got an int$"):
        sp.run(PROGRAM, untyped(3))
    with pytest.raises(sp.SpecError, match=r", got None$"):
        sp.verify(PROGRAM, untyped(None))


def test_other_type_errors_stay_as_they_are() -> None:
    class Odd:
        def __index__(self) -> int:
            raise TypeError("of the caller's own object")

        def __array__(self, *_: object, **__: object) -> np.ndarray[Any, Any]:
            raise TypeError("of the caller's own array")

    with pytest.raises(TypeError, match=r"^of the caller's own array$"):
        untyped(sp.Pattern)(Odd(), RASTER)


def test_public_functions_and_values_can_be_pickled() -> None:
    for value in (sp.compile, sp.specs.counter, sp.Spec, sp.Dynamics(5, 7), Rounding.HALF_EVEN):
        assert pickle.loads(pickle.dumps(value)) == value
