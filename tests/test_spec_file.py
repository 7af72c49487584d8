"""``SPEC.toml``: what it says becomes the spec that Python makes of the same words, or a refusal that says where."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnprog.archive import write_archive
from snnprog.errors import FormatError, LimitError, SnnprogError, SpecError
from snnprog.files import write_rasters
from snnprog.spec import Dynamics, Pattern, Spec
from snnprog.spec_file import PATTERN_KEYS, load_spec

INPUTS = np.array([[[1, 0], [0, 1], [0, 0]], [[0, 0], [1, 1], [0, 0]]], dtype=bool)
TARGETS = np.array([[[0], [0], [1]], [[0], [0], [0]]], dtype=bool)
CARE = ~TARGETS
PATTERNS = [Pattern(*rasters) for rasters in zip(INPUTS, TARGETS, strict=True)]
CARED = [Pattern(*rasters) for rasters in zip(INPUTS, TARGETS, CARE, strict=True)]

NPZ = '[[patterns]]\ninputs = "trials.npz:inputs"\ntargets = "trials.npz:targets"\n'
ONE_CSV = '[[patterns]]\ninputs = "one.csv"\ntargets = "one_target.csv"\nticks = 3\nn_inputs = 2\nn_outputs = 1\n'


def fill(folder: Path) -> Path:
    """Put raster files into a folder and return where the specification goes."""
    write_archive(folder / "trials.npz", {"inputs": INPUTS, "targets": TARGETS, "care": CARE}, texts={})
    write_rasters(folder / "inputs.npz", list(INPUTS))
    write_rasters(folder / "inputs.csv", list(INPUTS))
    write_rasters(folder / "targets.csv", list(TARGETS))
    (folder / "one.csv").write_text("tick,neuron\n0,0\n1,1\n")
    (folder / "one_target.csv").write_text("tick,neuron\n2,0\n")
    (folder / "times.csv").write_text("time_ms,neuron\n0.1,0\n2.9,1\n2.5,1\n")
    write_archive(
        folder / "turned.npz", {"inputs": INPUTS.transpose(0, 2, 1), "targets": TARGETS.transpose(0, 2, 1)}, texts={}
    )
    return folder / "SPEC.toml"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return fill(tmp_path)


def load(place: Path, text: str) -> Spec:
    place.write_text(text, encoding="utf-8")
    return load_spec(place)


# ---------------------------------------------------------------- what is read

EQUALS: dict[str, tuple[str, Spec]] = {
    "npz": (NPZ, Spec(PATTERNS)),
    "npz with care": (NPZ + 'care = "trials.npz:care"\n', Spec(CARED)),
    "npz with sizes": (NPZ + "ticks = 3\nn_inputs = 2\nn_outputs = 1\ncount = 2\n", Spec(PATTERNS)),
    "npz of one array": (NPZ.replace("trials.npz:inputs", "inputs.npz"), Spec(PATTERNS)),
    "one csv": (ONE_CSV, Spec(PATTERNS[:1])),
    "csv with patterns": (
        '[[patterns]]\ninputs = "inputs.csv"\ntargets = "targets.csv"\n'
        "ticks = 3\nn_inputs = 2\nn_outputs = 1\ncount = 2\n",
        Spec(PATTERNS),
    ),
    "targets are as many as inputs": (
        '[[patterns]]\ninputs = "inputs.csv"\ntargets = "targets.csv"\nticks = 3\nn_inputs = 2\nn_outputs = 1\n',
        Spec(PATTERNS),
    ),
    "mixed": (
        '[[patterns]]\ninputs = "trials.npz:inputs"\ntargets = "targets.csv"\nticks = 3\nn_outputs = 1\n',
        Spec(PATTERNS),
    ),
    "another layout": (
        NPZ.replace("trials", "turned") + 'layout = "patterns,neurons,ticks"\n',
        Spec(PATTERNS),
    ),
    "times": (
        ONE_CSV.replace("one.csv", "times.csv") + "dt_ms = 1\nmerge = true\n",
        Spec([Pattern([[1, 0], [0, 0], [0, 1]], TARGETS[0])]),
    ),
    "windows of times": (
        '[[patterns]]\ninputs = "times.csv"\ntargets = "targets.csv"\nticks = 3\nn_inputs = 2\nn_outputs = 1\n'
        "dt_ms = 0.4\nstarts_ms = [1.5, 0.0]\n",
        Spec([Pattern([[0, 0], [0, 0], [0, 1]], TARGETS[0]), Pattern([[1, 0], [0, 0], [0, 0]], TARGETS[1])]),
    ),
    "two groups": (NPZ + ONE_CSV, Spec([*PATTERNS, PATTERNS[0]])),
    "few bits": ("weight_bits = 4\nweight_limit = 5\n" + NPZ, Spec(PATTERNS, weight_bits=4, weight_limit=5)),
    "a range of delays": ('delays = "1-16"\n' + NPZ, Spec(PATTERNS, range(1, 17))),
    "a range with spaces": ('delays = " 2 - 3 "\n' + NPZ, Spec(PATTERNS, [2, 3])),
    "a list of delays": ("delays = [5, 1, 2]\n" + NPZ, Spec(PATTERNS, [1, 2, 5])),
    "hidden": ('hidden = "auto"\n' + NPZ, Spec(PATTERNS, hidden="auto")),
    "hidden, capped": ("hidden = 3\n" + NPZ, Spec(PATTERNS, hidden=3)),
    "flags": ("recurrent = true\nsigns = [1, -1, 0]\n" + NPZ, Spec(PATTERNS, recurrent=True, signs=[1, -1, 0])),
    "fixed": ("threshold = 100\nbias = -64\n" + NPZ, Spec(PATTERNS, threshold=100, bias=-64)),
    "free": ('threshold = "free"\nbias = "free"\n' + NPZ, Spec(PATTERNS, threshold="free", bias="free")),
    "wishes": ("noise = 2.5\nsparse = true\nfan_in = 3\n" + NPZ, Spec(PATTERNS, noise=2.5, sparse=True, fan_in=3)),
    "windows": ("window = [1, 2]\n" + NPZ, Spec(PATTERNS, window=(1, 2))),
    "chip": ('chip = "loihi1"\n' + NPZ, Spec(PATTERNS)),
    "decays": ("dynamics = { potential_decay = 7 }\n" + NPZ, Spec(PATTERNS, dynamics=Dynamics(7))),
    "both decays": (
        NPZ + "[dynamics]\npotential_decay = 7\ncurrent_decay = 9\n",
        Spec(PATTERNS, dynamics=Dynamics(7, 9)),
    ),
    "no dynamics": (NPZ + "[dynamics]\n", Spec(PATTERNS)),
    "time constants": (
        NPZ + "[dynamics]\ntau_potential = 19.5\ntau_current = 4\n",
        Spec(PATTERNS, dynamics=Dynamics.from_time_constants(19.5, 4)),
    ),
    "one time constant": (
        NPZ + "[dynamics]\ntau_potential = inf\n",
        Spec(PATTERNS, dynamics=Dynamics(0, 4095)),
    ),
}


@pytest.mark.parametrize(("text", "spec"), EQUALS.values(), ids=EQUALS)
def test_a_file_is_the_spec_it_says(place: Path, text: str, spec: Spec) -> None:
    assert load(place, text).digest() == spec.digest()


def test_the_path_may_be_a_text_and_files_are_beside_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_text(NPZ, encoding="utf-8")
    assert load_spec(str(place)).digest() == Spec(PATTERNS).digest()
    monkeypatch.chdir(place.parent)
    assert load_spec(place.name).digest() == Spec(PATTERNS).digest()


# ---------------------------------------------------------------- what is refused


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


BAD_FILES: dict[str, tuple[str, str]] = {
    "a range without quotes": (
        "delays = 1-8\n",
        r"not valid TOML: .*; a range is text: write 1-8 in quotes",
    ),
    "no equals sign": ("x\n", r"SPEC.toml is not valid TOML: Expected '='"),
    "a key twice": ("bias = 0\nbias = 1\n", r"SPEC.toml is not valid TOML: Cannot overwrite"),
    "a very long number": (f"bias = {'1' * 5000}\n" + NPZ, r"SPEC.toml is not valid TOML: Exceeds the limit"),
    "a number of more than 64 bits": (f"bias = {1 << 63}\n" + NPZ, r"an integer must have at most 64 bits"),
    "a number of very many digits": (f"bias = 0x{'f' * 5000}\n" + NPZ, r"an integer must have at most 64 bits"),
    "a key of very many parts": (f"bias{'.a' * 3000} = 1\n" + NPZ, r"is not valid TOML: a key has more than 32 parts"),
    "a header of very many parts": (f"[a{' . a' * 3000}]\n", r"is not valid TOML: a key has more than 32 parts"),
    "deep tables": ("dynamics.potential_decay" + ".a" * 20 + "={a" + ".a" * 20 + "=1}\n" + NPZ, r"more than 32 deep"),
    "very deep lists": (f"signs = {'[' * 5000}{']' * 5000}\n" + NPZ, r"is not valid TOML: .*(recursion|nested)"),
    "unknown key": ("delay = [1]\n" + NPZ, r"SPEC.toml: unknown key 'delay'; did you mean 'delays'\?"),
    "unknown keys": ("b = 1\na = 1\n" + NPZ, r"unknown key 'a'; known keys: chip, delays, recurrent"),
    "unknown key of dynamics": (
        NPZ + "[dynamics]\ndecay = 1\n",
        r"'decay' in \[dynamics\]; did you mean 'current_decay' or 'potential_decay'",
    ),
    "unknown key of a pattern": (NPZ + "x = 1\n", r"'x' in \[\[patterns\]\] number 0; known keys: inputs, targets"),
    "key of a spec in a pattern": (
        NPZ + "sparse = true\n",
        r"'sparse' stands in \[\[patterns\]\] number 0; move it to the top of the file, above \[dynamics\]",
    ),
    "key of a pattern in a spec": (
        "ticks = 3\n" + NPZ,
        r"'ticks' stands at the top of the file; move it below \[\[pat",
    ),
    "no patterns": ("bias = 0\n", r"has no \[\[patterns\]\]; add at least one"),
    "empty patterns": ("patterns = []\n", r"has no \[\[patterns\]\]; add at least one"),
    "patterns as text": ('patterns = "x"\n', r"SPEC.toml has no \[\[patterns\]\]"),
    "one table of patterns": (NPZ.replace("[[patterns]]", "[patterns]"), r"has \[patterns\]; write \[\[patterns\]\]"),
    "delays backwards": (
        'delays = "5-1"\n' + NPZ,
        r"SPEC.toml must be a range with the lesser number first, got '5-1'; write '1-5'",
    ),
    "patterns of texts": (
        'patterns = ["x"]\n',
        r"must be a table with inputs, targets, care, ticks, n_inputs, n_outputs, count, layout,",
    ),
    "no inputs": ('[[patterns]]\ntargets = "one.csv"\n', r"number 0 of .* has no inputs; name a raster file"),
    "no targets": (NPZ + '[[patterns]]\ninputs = "one.csv"\n', r"number 1 of .* has no targets; name a raster file"),
    "inputs as a list": ("[[patterns]]\ninputs = [[1]]\ntargets = 1\n", r"must be a file name, got \[\[1\]\]"),
    "missing npz": (
        changed(NPZ, "trials.npz:inputs", "Trial.npz"),
        r"Trial\.npz, named in .*SPEC\.toml, does not exist; did you mean 'trials\.npz'",
    ),
    "missing csv": (
        changed(ONE_CSV, "one_target", "other"),
        r"other\.csv, named in .*SPEC\.toml, does not exist$",
    ),
    "missing array": (changed(NPZ, ":inputs", ":stimuli"), r"trials\.npz has no array 'stimuli'; it has care, inputs,"),
    "no array said": (
        changed(NPZ, ":inputs", ""),
        r"holds 3 arrays \(care, inputs, targets\); name one, as in trials\.npz:NAME",
    ),
    "no file name": (changed(NPZ, "trials.npz:inputs", ""), r"ends in ''; rasters are read from"),
    "a folder": (changed(NPZ, "trials.npz:inputs", "/"), r"ends in ''; rasters are read from"),
    "other suffix": (changed(NPZ, "trials.npz:inputs", "SPEC.toml"), r"ends in '\.toml'; rasters are read from"),
    "NUL in a name": (changed(ONE_CSV, "one.csv", "\\u0000.csv"), r"cannot be read: .*embedded null"),
    "a long name": (changed(ONE_CSV, "one.csv", "x" * 5000 + ".csv"), r"cannot be read: .*name too long"),
    "csv without sizes": (
        changed(ONE_CSV, "ticks = 3\n", ""),
        r"one\.csv does not say how long it lasts; give ticks; its last event",
    ),
    "csv without outputs": (
        changed(ONE_CSV, "n_outputs = 1\n", ""),
        r"one_target\.csv does not say how many neurons it has; give n_outputs in SPEC\.toml",
    ),
    "csv too short": (
        changed(ONE_CSV, "ticks = 3", "ticks = 2"),
        r"one_target\.csv, line 2: tick must be 0 to 1, because",
    ),
    "csv without ticks": (
        changed(ONE_CSV, "ticks = 3", "ticks = 0"),
        r"must hold rasters of at least one tick, got 1 of 0 x 2",
    ),
    "negative ticks": (
        changed(ONE_CSV, "ticks = 3", "ticks = -3"),
        r"must hold rasters of at least one tick, got 1 of -3 x 2",
    ),
    "negative width": (
        changed(ONE_CSV, "n_inputs = 2", "n_inputs = -2"),
        r"must hold rasters of at least one tick, got 1 of 3 x -2",
    ),
    "no count": (ONE_CSV + "count = 0\n", r"must hold rasters of at least one tick, got 0 of 3 x 2"),
    "huge csv": (changed(ONE_CSV, "ticks = 3", f"ticks = {1 << 62}"), r"at most .* bins are read"),
    "npz of other ticks": (NPZ + "ticks = 4\n", r"must have 4 ticks, got 3"),
    "npz of other width": (NPZ + "n_outputs = 2\n", r"must have 2 neurons \(n_outputs in SPEC\.toml\), got 1"),
    "npz of other count": (NPZ + "count = 1\n", r"must have 1 pattern, got 2"),
    "layout of no use": (
        ONE_CSV + 'layout = "ticks,neurons"\n',
        r"has layout, which applies to none of its files; remove it",
    ),
    "ids of no use": (NPZ + "input_ids = [1]\n", r"has input_ids, which applies to none of its files; remove it"),
    "times without dt": (
        changed(ONE_CSV, "one.csv", "times.csv"),
        r"holds times; give dt_ms, the milliseconds of a tick",
    ),
    "times in one tick": (
        changed(ONE_CSV, "one.csv", "times.csv") + "dt_ms = 1\n",
        r"neuron 1 has 2 spikes in tick 2 of 1 ms; take a shorter tick, or allow merging",
    ),
    "times after the end": (
        changed(ONE_CSV, "one.csv", "times.csv") + "dt_ms = 0.5\n",
        r"times\.csv has 2 spikes after the last of 3 ticks, the last at 0\.0029 s; give more ticks, or starts_ms",
    ),
    "delays as number": ("delays = 3\n" + NPZ, r"must be a list such as \[1, 2, 5\] or a range such as '1-16', got 3"),
    "delays as flag": (
        "delays = true\n" + NPZ,
        r"must be a list such as \[1, 2, 5\] or a range such as '1-16', got True",
    ),
    "delays as words": (
        'delays = "all"\n' + NPZ,
        r"must be a list such as \[1, 2, 5\] or a range such as '1-16', got 'all'",
    ),
    "very many delays": (
        'delays = "1-999999999"\n' + NPZ,
        r"must be a list such as \[1, 2, 5\] or a range such as '1-16', got '1-999999999'",
    ),
    "dynamics as number": (
        "dynamics = 3\n" + NPZ,
        r"must be a table with potential_decay, current_decay, tau_potential, tau_current, got 3",
    ),
    "mixed dynamics": (
        NPZ + "[dynamics]\ntau_potential = 3\ncurrent_decay = 3\n",
        r"mixes decays and time constants; give decays, or tau_potential \(and tau_current\)",
    ),
    "half dynamics": (
        NPZ + "[dynamics]\ntau_current = 3\n",
        r"has tau_current without tau_potential; give both",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_files_are_refused(place: Path, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        load(place, text)


@pytest.mark.parametrize(
    ("name", "message"), [("missing.toml", "No such file"), ("", "Is a directory"), ("a\0.toml", "null")]
)
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        load_spec(tmp_path / name)


def test_a_file_that_is_no_text(place: Path) -> None:
    place.write_bytes(b'chip = "\xff"\n')
    with pytest.raises(FormatError, match=r"SPEC\.toml is not valid TOML"):
        load_spec(place)


def test_a_system_of_programs_is_no_spec(place: Path) -> None:
    place.write_text('[parts]\nfirst = "a.snnp"\n', encoding="utf-8")
    with pytest.raises(
        FormatError, match=r"SPEC\.toml is a SYSTEM\.toml, not a SPEC\.toml; 'snnprog link .* joins its parts"
    ):
        load_spec(place)


def test_messages_about_files_name_keys_and_no_options(place: Path) -> None:
    (place.parent / "twice.csv").write_text("tick,neuron\n1,0\n1,0\n", encoding="utf-8")
    (place.parent / "times.csv").write_text("time_ms,neuron\n1,0\n", encoding="utf-8")
    for name, message in (
        ("twice.csv", r"list each event once, or allow merging \(merge = true\)$"),
        ("times.csv", r"times\.csv holds times; give dt_ms, the milliseconds of a tick$"),
    ):
        pattern = f'inputs = "{name}"\ntargets = "{name}"\nticks = 3\nn_inputs = 1\nn_outputs = 1\n'
        place.write_text(f"[[patterns]]\n{pattern}", encoding="utf-8")
        with pytest.raises(FormatError, match=message):
            load_spec(place)


def test_a_damaged_raster_file(place: Path) -> None:
    (place.parent / "trials.npz").write_bytes((place.parent / "trials.npz").read_bytes()[:-5])
    with pytest.raises(FormatError, match=r"trials\.npz is not a complete zip archive"):
        load(place, NPZ)


BAD_VALUES: dict[str, tuple[str, str]] = {
    "recurrent as number": ("recurrent = 1", "recurrent must be true or false, got 1"),
    "recurrent as text": ('recurrent = "true"', "recurrent must be true or false, got 'true'"),
    "threshold as fraction": ("threshold = 1.5", "threshold must be an integer or 'free', got 1.5"),
    "threshold as list": ("threshold = [1]", "threshold must be an integer or 'free', got [1]"),
    "threshold as flag": ("threshold = true", "threshold must be an integer or 'free', got True"),
    "threshold as table": ("threshold = { a = 1 }", "threshold must be an integer or 'free', got {'a': 1}"),
    "bias as word": ('bias = "none"', "bias must be an integer or 'free', got 'none'"),
    "bias as date": ("bias = 1979-05-27", "bias must be an integer or 'free', got datetime.date(1979, 5, 27)"),
    "bias as NaN": ("bias = nan", "bias must be an integer or 'free', got nan"),
    "bias between": ("bias = 4097", "bias is 4097; loihi1 has mantissas to 4095"),
    "signs as number": ("signs = 1", "signs must be a list of -1, 0 and +1, got 1"),
    "signs as text": ('signs = "+-"', "signs must be a list of -1, 0 and +1, got '+-'"),
    "signs as table": ("signs = {}", "signs must be a list of -1, 0 and +1, got {}"),
    "signs as lists": ("signs = [[1], [1]]", "sign must be an integer, got [1]"),
    "signs too few": ("signs = [1]", "signs must have 2 entries, one per presynaptic neuron, got 1"),
    "delays of flags": ("delays = [true]", "delay must be an integer, got True"),
    "no delays": ("delays = []", "delays must have at least one entry, got none"),
    "a delay twice": ("delays = [1, 1]", "delays must not repeat, got (1, 1)"),
    "unknown chip": ('chip = "loihi9"', "unknown chip 'loihi9'; known chips are fpga, fpga-ge, fpga-subtract,"),
    "chip as number": ("chip = 1", "unknown chip '1'; known chips are fpga, fpga-ge, fpga-subtract,"),
    "chip as list": ('chip = ["loihi1"]', "known chips are fpga"),
    "decay as text": ('dynamics = { potential_decay = "x" }', "potential_decay must be an integer, got 'x'"),
    "time constant as text": (
        'dynamics = { tau_potential = "x" }',
        "time constant of the potential must be a non-negative number of ticks such as 20.0, got",
    ),
    "time constant as flag": (
        "dynamics = { tau_potential = true }",
        "time constant of the potential must be a non-negative number of ticks such as 20.0, got",
    ),
    "time constant of NaN": (
        "dynamics = { tau_potential = nan }",
        "time constant of the potential must be a non-negative number of ticks such as 20.0, got",
    ),
    "exempt from nothing": (
        "robust = { exempt = [9] }",
        "robust has exempt lines but no errors; give jitter, missing, extra or weights as well",
    ),
    "negative time constant": (
        "dynamics = { tau_potential = 1, tau_current = -1 }",
        "time constant of the current must be a non-negative number of ticks such as 20.0,",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_values_are_refused(place: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)) as caught:
        load(place, f"{text}\n{NPZ}")
    assert str(place) in str(caught.value)


@pytest.mark.parametrize("key", ["ticks", "n_inputs", "n_outputs", "count"])
@pytest.mark.parametrize("value", ["1.0", "true", '"1"', "[1]", "nan"])
def test_sizes_are_whole_numbers(place: Path, key: str, value: str) -> None:
    with pytest.raises(SpecError, match=rf"SPEC\.toml, \[\[patterns\]\] number 0: {key} must be an integer, got .*$"):
        load(place, f"{NPZ}{key} = {value}\n")


@pytest.mark.parametrize(
    ("text", "item", "found"),
    [
        ("delays = [0]", "delay", 0),
        ('delays = "1-64"', "delay", 64),
        ("threshold = 0", "threshold", 0),
        ("bias = 524161", "bias", 524161),
        ("dynamics = { current_decay = 4096 }", "current_decay", 4096),
    ],
)
def test_values_beyond_the_chip(place: Path, text: str, item: str, found: int) -> None:
    with pytest.raises(LimitError, match=f"{item} must be .*, got {found}") as caught:
        load(place, f"{text}\n{NPZ}")
    assert (caught.value.item, caught.value.found) == (item, found)
    assert str(place) in str(caught.value)


def test_a_program_is_not_a_spec(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"program\.snnp is not a SPEC\.toml, but a program; sp\.load reads it"):
        load_spec(tmp_path / "program.snnp")


def test_patterns_that_do_not_go_together(place: Path) -> None:
    write_rasters(place.parent / "long.npz", [np.zeros((5, 1), dtype=bool)] * 2)
    with pytest.raises(SpecError, match="inputs and targets must have equal numbers of ticks, got 3 and 5"):
        load(place, changed(NPZ, "trials.npz:targets", "long.npz"))


# ---------------------------------------------------------------- anything

WORDS = [
    "free",
    "loihi1",
    "1-3",
    "3-1",
    "trials.npz:inputs",
    "trials.npz:targets",
    "inputs.csv",
    "one.csv",
    "..",
    "\0",
    "neurons,ticks",
    "times.csv",
]
LEAVES = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-1, 4),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=4),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
PLACES = st.sampled_from(
    [
        *((key,) for key in ("chip", "delays", "recurrent", "threshold", "bias", "signs", "dynamics", "patterns", "x")),
        *(("dynamics", key) for key in ("potential_decay", "current_decay", "tau_potential", "tau_current", "x")),
        *(("patterns", key) for key in (*PATTERN_KEYS, "x")),
    ]
)


def toml(value: object) -> str:
    """Write a value as TOML: JSON's texts, and tables with every key in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


@settings(deadline=None, max_examples=600)
@given(st.dictionaries(PLACES, VALUES, min_size=1, max_size=3), st.booleans())
def test_anything_is_a_spec_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, values: dict[tuple[str, ...], object], csv: bool
) -> None:
    folder = tmp_path_factory.getbasetemp() / "anything"
    if not folder.exists():
        folder.mkdir()
        fill(folder)
    pattern: dict[str, object] = {"inputs": "trials.npz:inputs", "targets": "trials.npz:targets"}
    if csv:
        pattern = {"inputs": "one.csv", "targets": "one_target.csv", "ticks": 3, "n_inputs": 2, "n_outputs": 1}
    table: dict[str, object] = {}
    for path, value in sorted(values.items(), key=lambda item: len(item[0])):
        if len(path) == 1:
            table[path[0]] = value
        elif path[0] == "patterns":
            pattern[path[1]] = value
        elif isinstance(inner := table.setdefault("dynamics", {}), dict):
            inner[path[1]] = value
    table.setdefault("patterns", [pattern])
    (folder / "SPEC.toml").write_bytes(
        "\n".join(f"{toml(key)} = {toml(value)}" for key, value in table.items()).encode("utf-8", "replace")
    )
    try:
        spec = load_spec(folder / "SPEC.toml")
    except SnnprogError:
        return
    assert spec.n_outputs > 0


@settings(deadline=None, max_examples=300)
@given(st.text())
def test_any_text_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "replace"))
    with pytest.raises(FormatError):
        load_spec(path)
