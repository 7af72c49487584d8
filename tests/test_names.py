"""Names of lines and neurons: which are valid, that they survive files, and that they change nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_untrusted_programs import parts_of, written
from untyped import untyped

import snnprog as sp
from snnprog.names import as_name, as_names, find, labelled, made_names, names_from

VALID = ("a", "arm", "left arm", "x_1", "x-1", "A", "ü", "Stop", "θ2", "名前", "a" * 64)
NOT_VALID = (
    "",
    " ",
    "1",
    "1a",
    "_a",
    "-a",
    "a ",
    " a",
    "a  b",
    "a\n",
    "a\tb",
    "a.b",
    "a,b",
    "a<b>",
    'a"',
    "a;b",
    "a\0",
)
NOT_VALID_EITHER = (
    "_a",
    "²",
    "½a",
    "a" * 65,
    "a\u202eb",
    "\u3164",
    "a\u3164",
    "=a",
    "@a",
    "a\u200b",
    "a/b",
    "a\\b",
    "a" * 10_000,
)
INPUTS = np.eye(6, 2, dtype=bool)
TARGETS = np.roll(INPUTS, 2, axis=0)


def spec(**options: Any) -> sp.Spec:
    return sp.Spec([sp.Pattern(INPUTS, TARGETS)], [1, 2], **options)


@pytest.mark.parametrize("name", VALID)
def test_valid_names(name: str) -> None:
    assert as_name("name", name) == name
    assert as_name("name", f"p.{name}", may_be_joined=True) == f"p.{name}"


@pytest.mark.parametrize("name", [*NOT_VALID, *NOT_VALID_EITHER, 1, None, b"a", ["a"]])
def test_names_that_are_not_valid(name: object) -> None:
    with pytest.raises(
        sp.SpecError, match=r"^name must begin with a letter, and have only letters, digits, single"
    ) as it:
        as_name("name", name)
    assert str(it.value).isprintable()
    assert len(str(it.value)) < 300
    if isinstance(name, str) and name != "a.b":
        with pytest.raises(sp.SpecError, match=r"^name must begin with a letter"):
            as_name("name", f"p.{name}", may_be_joined=True)


def test_a_dot_is_explained() -> None:
    with pytest.raises(sp.SpecError, match=r"got 'a.b'; a dot is only for programs that are joined$"):
        spec(input_names=["a.b", "c"])
    for name in (".", "a.", ".a", "a..b"):
        with pytest.raises(sp.SpecError, match="must begin with a letter"):
            as_name("name", name, may_be_joined=True)


def test_names_are_composed() -> None:
    assert as_name("name", "u\u0308ber") == "über"
    with pytest.raises(sp.SpecError, match="names must be different, got 'ü' at 0 and 1"):
        as_names("names", ["ü", "u\u0308"], 2)


LISTS: dict[str, tuple[object, str]] = {
    "too few": (["a"], "input_names must have 2 names, one for each input, got 1"),
    "too many": (["a", "b", "c"], "input_names must have 2 names, one for each input, got 3"),
    "twice": (["a", "a"], "input_names must be different, got 'a' at 0 and 1"),
    "text": ("ab", r"input_names must be a list of names, got 'ab'; write \['ab'\]"),
    "set": ({"a", "b"}, "input_names must be a list of names, got "),
    "number": (2, "input_names must be a list of names, got 2"),
    "not text": (["a", 1], r"input_names\[1\] must begin with a letter, and have .* got 1"),
}


@pytest.mark.parametrize(("names", "message"), LISTS.values(), ids=LISTS)
def test_lists_that_are_not_valid(names: object, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        spec(input_names=untyped(names))


def test_more_names_than_anybody_reads() -> None:
    with pytest.raises(sp.SpecError, match="names must have at most 65536 names, got 65537; omit them"):
        as_names("names", [f"a{number}" for number in range(65_537)], 65_537)


def test_a_spec_keeps_names_and_they_do_not_change_its_digest() -> None:
    named = spec(
        input_names=["left", "right"], output_names=np.array(["go", "stop"]), hidden=1, hidden_names=["memory"]
    )
    assert (named.input_names, named.output_names) == (("left", "right"), ("go", "stop"))
    assert named.hidden_names == ("memory",)
    assert named.digest() == spec(hidden=1).digest()
    assert (spec().input_names, spec().output_names, spec().hidden_names) == (None, None, None)
    assert replace(named, hidden=0).output_names == ("go", "stop")
    for options in ({}, {"output_names": ["memory", "stop"]}):
        with pytest.raises(sp.SpecError, match="hidden_names must differ from output_names, which must be given, too"):
            spec(hidden_names=["memory"], **options)


def test_a_compiled_program_has_the_names_and_the_same_integers(tmp_path: Path) -> None:
    named = sp.compile(spec(input_names=["left", "right"], output_names=["go", "stop"])).program
    plain = sp.compile(spec()).program
    assert (named.input_names, named.neuron_names, named.output_names) == (("left", "right"),) + 2 * (("go", "stop"),)
    assert (plain.input_names, plain.neuron_names, plain.output_names) == (None, None, None)
    named.save(tmp_path / "named.snnp")
    plain.save(tmp_path / "plain.snnp")
    replace(named, input_names=None, neuron_names=None).save(tmp_path / "unnamed.snnp")
    assert (tmp_path / "unnamed.snnp").read_bytes() == (tmp_path / "plain.snnp").read_bytes()
    (document, arrays), (plain_document, plain_arrays) = (
        parts_of(tmp_path / f"{name}.snnp") for name in ("named", "plain")
    )
    assert (document["format_version"], plain_document["format_version"]) == (5, 1)
    assert (document["line_names"], document["neuron_names"]) == (["left", "right"], ["go", "stop"])
    assert document["provenance"] == plain_document["provenance"]
    for name, array in plain_arrays.items():
        assert (array == arrays[name]).all()
    again = sp.load(tmp_path / "named.snnp")
    assert (again.input_names, again.neuron_names) == (named.input_names, named.neuron_names)
    again.save(tmp_path / "again.snnp")
    assert (tmp_path / "again.snnp").read_bytes() == (tmp_path / "named.snnp").read_bytes()


XOR = np.array([0, 1, 1, 0], dtype=bool)


def test_hidden_neurons_have_made_names_or_given_ones() -> None:
    table = sp.specs.truth_table(XOR)
    named = replace(table, input_names=("a", "b"), output_names=("hidden 1",))
    program = sp.compile(named).program
    assert program.n_neurons > 1
    assert program.neuron_names is not None
    made = ("hidden 0", *(f"hidden {number}" for number in range(2, program.n_neurons)))
    assert program.neuron_names == (*made, "hidden 1")
    assert program.output_names == ("hidden 1",)
    given = sp.compile(replace(named, output_names=("xor",), hidden_names=("only a",))).program
    made = tuple(f"hidden {number}" for number in range(1, program.n_neurons - 1))
    assert given.neuron_names == ("only a", *made, "xor")


def test_outputs_that_stand_twice_have_their_name_where_they_are_read() -> None:
    patterns = [sp.Pattern(INPUTS, np.roll(INPUTS, 1, axis=0))]
    program = sp.compile(sp.Spec(patterns, chip="xylo", recurrent=True, output_names=["go", "stop"])).program
    assert program.neuron_names == ("feeding 0", "feeding 1", "go", "stop")
    assert program.output_names == ("go", "stop")


def program(**names: Any) -> sp.Program:
    return sp.Program.from_arrays(chip="loihi1", n_inputs=2, n_neurons=3, outputs=[2, 0], threshold=1, **names)


def test_a_program_by_hand_has_names() -> None:
    named = program(input_names=["a", "p.a"], neuron_names=["x", "y", "p.z"])
    assert named.output_names == ("p.z", "x")
    with pytest.raises(sp.SpecError, match="neuron_names must have 3 names, one for each neuron, got 2"):
        program(neuron_names=["x", "y"])
    bare = sp.Program.from_arrays(chip="loihi1", n_inputs=0, n_neurons=1, threshold=1, input_names=[])
    assert bare.input_names is None


@pytest.mark.parametrize("only", ["input_names", "neuron_names"])
def test_one_kind_of_names_suffices(only: str, tmp_path: Path) -> None:
    named = program(**{only: ["a", "b"] if only == "input_names" else ["a", "b", "c"]})
    named.save(tmp_path / "p.snnp")
    again = sp.load(tmp_path / "p.snnp")
    assert (again.input_names, again.neuron_names) == (named.input_names, named.neuron_names)


HOSTILE: dict[str, tuple[dict[str, object], str]] = {
    "text": ({"line_names": "ab"}, "line_names in .* must be a list of names, got ab"),
    "numbers": ({"line_names": [1, 2]}, "line_names in .* must be a list of names"),
    "nothing": ({"neuron_names": []}, "neuron_names in .* must be a list of names"),
    "null": ({"neuron_names": None}, "neuron_names in .* must be a list of names"),
    "too few": ({"line_names": ["a"]}, "no valid program: input_names must have 2 names, one for each input, got 1"),
    "markup": ({"line_names": ["a", "<script>"]}, r"no valid program: input_names\[1\] must begin with a letter"),
    "control": ({"line_names": ["a", "b\u001b[2J"]}, r"input_names\[1\] must begin with a letter"),
    "long": ({"line_names": ["a", "b" * 10**6]}, r"input_names\[1\] must begin with a letter"),
    "twice": ({"line_names": ["a", "a"]}, "input_names must be different, got 'a' at 0 and 1"),
    "older version": ({"format_version": 4}, "has 'line_names', which is unknown to this snnprog"),
    "later version": ({"format_version": 6}, "has format version 6; this snnprog reads 1 to 5; a newer one"),
    "other key": ({"output_names": ["a"]}, "has 'output_names', which is unknown to this snnprog"),
}


@pytest.mark.parametrize(("changes", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    program(input_names=["a", "b"], neuron_names=["x", "y", "z"]).save(tmp_path / "p.snnp")
    document, arrays = parts_of(tmp_path / "p.snnp")
    with pytest.raises(sp.FormatError, match=message) as caught:
        sp.load(written(tmp_path / "q.snnp", document | changes, arrays))
    assert len(str(caught.value)) < 600


def test_labels() -> None:
    assert labelled("output", 2, None) == "output 2"
    assert labelled("output", 1, ("go", "stop")) == "output 1 (stop)"
    assert labelled("hidden neuron", 0, ("hidden 0",)) == "hidden neuron 0"


def test_lines_are_found_by_number_or_name() -> None:
    names = ("left", "right", "über")
    assert [find("input line", each, names, 3) for each in (0, np.int64(2), "right", "u\u0308ber")] == [0, 2, 1, 2]
    for searched, known, message in (
        (3, names, "input line must be 0 to 2, or a name, got 3"),
        (True, names, "input line must be an integer, got True"),
        ("rigth", names, "there is no input line 'rigth'; did you mean 'right'?"),
        ("zzz", names, "there is no input line 'zzz'; known are left, right, über"),
        ("left", None, "input lines have no names here, got 'left'; give its number, 0 to 2"),
    ):
        with pytest.raises(sp.SpecError, match=f"^{re.escape(message)}$"):
            find("input line", searched, known, 3)


def test_made_names_avoid_those_that_are_taken() -> None:
    assert made_names("hidden", 3, taken=["hidden 1", "x"]) == ("hidden 0", "hidden 2", "hidden 3")


def test_names_from_labels() -> None:
    labels = ["setosa", "Iris setosa", 7, 1.5, "a/b", "a.b", "", "<b>", True, "  x  ", np.str_("y"), "setosa"]
    assert names_from(labels, noun="class") == (
        *("setosa", "Iris setosa", "class 7", "class 1_5", "a_b", "a_b 2"),
        *("class", "class _b_", "True", "x", "y", "setosa 2"),
    )


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(), st.integers(), st.text("a1 ._-\u3164", min_size=50))))
def test_names_from_any_labels_are_valid(labels: list[object]) -> None:
    names = names_from(labels, noun="class")
    assert (as_names("names", names, len(labels)) or ()) == names


def test_a_spec_file_has_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", inputs=INPUTS, targets=TARGETS)
    names = {"input_names": ["left", "right"], "output_names": ["go", "stop"], "hidden_names": ["memory"]}
    patterns = '[[patterns]]\ninputs = "r.npz:inputs"\ntargets = "r.npz:targets"\n'
    path = tmp_path / "SPEC.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in names.items()) + patterns)
    read = sp.load_spec(path)
    assert {key: list(getattr(read, key)) for key in names} == names
    path.write_text(f'input_names = ["left"]\n{patterns}')
    with pytest.raises(sp.SpecError, match="input_names must have 2 names, one for each input, got 1"):
        sp.load_spec(path)
