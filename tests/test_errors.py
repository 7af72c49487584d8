"""The exception tree: who is whose child, what each says and carries, and that each survives a process boundary."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from untyped import untyped

from snnprog import errors
from snnprog.conflict import Conflict
from snnprog.errors import (
    BackendError,
    FitError,
    FormatError,
    InfeasibleError,
    LimitError,
    PortabilityWarning,
    QuantizationError,
    SnnprogError,
    SolverError,
    SpecError,
    UndecidedError,
)

PARENTS: dict[type[Exception], tuple[type, ...]] = {
    SnnprogError: (Exception,),
    SpecError: (SnnprogError, ValueError),
    InfeasibleError: (SnnprogError,),
    SolverError: (SnnprogError,),
    UndecidedError: (SolverError,),
    QuantizationError: (SnnprogError,),
    LimitError: (SnnprogError, ValueError),
    FitError: (LimitError,),
    FormatError: (SnnprogError, ValueError),
    BackendError: (SnnprogError,),
    PortabilityWarning: (UserWarning,),
}

FIRST = Conflict(neuron=2, pattern=0, tick=7, reason="output 2 must spike at tick 7, and no input spike reaches it")
SECOND = Conflict(neuron=2, pattern=1, tick=3, reason="output 2 must be silent at tick 3")
OTHER = Conflict(neuron=5, pattern=0, tick=1, reason="output 5 must spike at tick 1")
THIRD = Conflict(neuron=6, pattern=0, tick=1, reason="output 6 must spike at tick 1")

PROOF = {"format": "snnprog-proof"}

CASES: dict[str, tuple[Exception, str, dict[str, object]]] = {
    "root": (SnnprogError("it broke"), "it broke", {}),
    "spec": (SpecError("delays is empty"), "delays is empty", {}),
    "solver": (SolverError("no answer"), "no answer", {}),
    "format": (FormatError("x.snnp is damaged"), "x.snnp is damaged", {}),
    "backend": (BackendError("lava hung"), "lava hung", {}),
    "fit": (
        FitError("core 3", "synaptic memory", 17204, "16,384 words", "split the output population or raise max_cores"),
        "core 3 exceeds the limit of synaptic memory: 17,204 of 16,384 words; split the output population or raise"
        " max_cores",
        {"place": "core 3", "item": "synaptic memory", "found": 17204, "allowed": "16,384 words"},
    ),
    "infeasible": (
        InfeasibleError([FIRST], PROOF),
        f"infeasible: {FIRST.reason}",
        {"conflicts": (FIRST,), "proof": PROOF},
    ),
    "infeasible twice in one output": (
        InfeasibleError([FIRST, SECOND], PROOF),
        f"infeasible: {FIRST.reason}",
        {"conflicts": (FIRST, SECOND)},
    ),
    "infeasible in three outputs": (
        InfeasibleError([FIRST, SECOND, OTHER, THIRD], PROOF),
        f"infeasible: {FIRST.reason} (and 2 more outputs)",
        {"conflicts": (FIRST, SECOND, OTHER, THIRD)},
    ),
    "undecided": (UndecidedError("output 3 is undecided", [3]), "output 3 is undecided", {"neurons": (3,)}),
    "quantization": (QuantizationError("2 are inexact", [1, 4]), "2 are inexact", {"neurons": (1, 4)}),
    "quantization, none named": (QuantizationError("inexact"), "inexact", {"neurons": ()}),
    "limit": (
        LimitError("delay", 64, "1 to 63 on loihi1"),
        "delay must be 1 to 63 on loihi1, got 64",
        {"item": "delay", "found": 64, "allowed": "1 to 63 on loihi1", "hint": ""},
    ),
    "limit with a hint": (
        LimitError("delay", 0, "1 to 63", "wait a tick"),
        "delay must be 1 to 63, got 0; wait a tick",
        {"item": "delay", "found": 0, "allowed": "1 to 63", "hint": "wait a tick"},
    ),
}


def test_the_tree_is_complete() -> None:
    defined = {
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
    }
    assert defined == set(PARENTS)


@pytest.mark.parametrize("child", PARENTS, ids=lambda child: child.__name__)
def test_parents(child: type[Exception]) -> None:
    assert child.__bases__ == PARENTS[child]
    assert child.__doc__


@pytest.mark.parametrize("child", PARENTS, ids=lambda child: child.__name__)
def test_the_drawn_tree_names_every_error(child: type[Exception]) -> None:
    assert child.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize(("error", "message", "attributes"), CASES.values(), ids=CASES)
def test_message_and_attributes(error: Exception, message: str, attributes: dict[str, object]) -> None:
    assert str(error) == message
    assert {name: getattr(error, name) for name in attributes} == attributes


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(("error", "message", "attributes"), CASES.values(), ids=CASES)
def test_pickling_keeps_all(error: Exception, message: str, attributes: dict[str, object], protocol: int) -> None:
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == message
        assert {name: getattr(again, name) for name in attributes} == attributes


def test_a_conflict_is_its_reason_and_does_not_change() -> None:
    assert str(FIRST) == FIRST.reason
    assert pickle.loads(pickle.dumps(FIRST)) == FIRST
    assert FIRST != SECOND
    with pytest.raises(AttributeError):
        untyped(FIRST).tick = 8


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe ≥ 3\n\tnext", "Größe ≥ 3\n\tnext"),
        ("\x1b[2J\0\r\u202e\ud800", r"\x1b[2J\x00\r\u202e\ud800"),
        ("x" * 4000, "x" * 4000),
        ("a" * 5000 + "b" * 5000, "a" * 1996 + " [...] " + "b" * 1996),
    ],
)
def test_messages_can_be_printed(text: str, shown: str) -> None:
    """A terminal must not obey a file that a message quotes."""
    assert str(FormatError(text)) == shown
    assert str(BackendError(text)) == shown
    again = pickle.loads(pickle.dumps(FormatError("\x07" * 5000)))
    assert str(again) == str(FormatError("\x07" * 5000))
    assert len(str(again)) <= 4000
