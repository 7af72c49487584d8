"""What is told as work goes on: each step, how much of it is done, and how much there is."""

from __future__ import annotations

import io
import itertools
import json
import re
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from command_line import Command
from stand_in import write_backend
from untyped import untyped

import snnprog as sp
from snnprog.backends.folder import SEARCH_PATH_VARIABLE
from snnprog.cli.progress import progress_bar
from snnprog.conformance import check_conformance
from snnprog.progress import Progress, notebook_bars, shown
from snnprog.verification import ALL_BACKENDS

Told = list[tuple[str, int, int]]


def small_spec(**options: Any) -> sp.Spec:
    rng = np.random.default_rng(3)
    inputs, targets = rng.random((60, 6)) < 0.1, rng.random((60, 2)) < 0.2
    targets[:6] = False
    return sp.Spec([sp.Pattern(inputs, targets)], delays=range(1, 9), **options)


def test_verify_tells_of_each_backend_and_of_all() -> None:
    told: Told = []
    spec = small_spec()
    program = sp.compile(spec).program
    sp.verify(program, spec, ["kernel"], progress=lambda *step: told.append(step))
    assert told == [
        (ALL_BACKENDS, 0, 2),
        ("reference", 0, 1),
        ("reference", 1, 1),
        (ALL_BACKENDS, 1, 2),
        ("kernel", 0, 1),
        ("kernel", 1, 1),
    ]


def test_a_check_tells_of_golden_and_random_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "short", gaps="most_neurons = 1")
    monkeypatch.setenv(SEARCH_PATH_VARIABLE, str(tmp_path))
    told: Told = []
    outcome = check_conformance("short", programs=2, progress=lambda *step: told.append(step))
    golden = [step for step in told if step[0] == "golden programs"]
    assert golden == [("golden programs", done, outcome.golden) for done in range(outcome.golden + 1)]
    assert told[len(golden) :] == [("random programs", 1, 2), ("random programs", 2, 2)]


def test_repairs_are_told() -> None:
    told: Told = []
    sp.compile(small_spec(weight_bits=2), progress=lambda *step: told.append(step))
    steps = [step for step in told if step[0] == "repair"]
    begun = [index for index, (_, done, _) in enumerate(steps) if done == 0]
    rounds = [steps[first:last] for first, last in itertools.pairwise([*begun, len(steps)])]
    assert len(rounds) == 2  # a brief one, and a long one
    for each in rounds:
        assert [done for _, done, _ in each] == list(range(len(each)))
        assert each[-1][1] == each[-1][2]


def test_lines_are_printed_where_no_terminal_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snnprog.progress.LINE_SECONDS", 0.01)
    told: list[str] = []

    def until(line: str) -> None:
        for _ in range(3000):
            told.append(capsys.readouterr().err)
            if line in "".join(told):
                return
            time.sleep(0.01)
        raise AssertionError(f"{line!r} was not printed, but {told}")

    with progress_bar(quiet=False) as progress:
        assert progress is not None
        until("snnprog: design, 0 s\n")
        progress("outputs", 3, 12)
        until("snnprog: outputs 3 of 12, ")
        progress("outputs: searching", 5000, 5000)
        until("snnprog: outputs: searching 5,000, ")
        progress("outputs", 12, 12)
        until("snnprog: after outputs, ")
    assert re.fullmatch(r"(snnprog: [a-z]+( outputs|: searching 5,000| 3 of 12)?, \d+ s\n)+", "".join(told))


@pytest.mark.parametrize("quiet", [True, False])
def test_short_and_quiet_work_prints_nothing(quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    with progress_bar(quiet) as progress:
        assert (progress is None) == quiet
    assert threading.active_count() == before
    assert capsys.readouterr() == ("", "")


def test_lines_are_on_standard_error_and_not_with_json(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snnprog.progress.LINE_SECONDS", 1e-6)
    sp.save_spec(small_spec(), tmp_path / "SPEC.toml")
    code, out, err = command("explain", tmp_path / "SPEC.toml")
    assert code == 0
    assert "snnprog: design" in err
    assert "snnprog" not in out
    code, out, err = command("explain", tmp_path / "SPEC.toml", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["feasible"]


# ------------------------------------------------------------------------------------------------------- progress=True


class Notebook:
    """What of IPython a bar uses, in a kernel: it keeps what was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.display = SimpleNamespace(display=self._display, HTML=str)
        self.kernel = object()

    def get_ipython(self) -> Notebook:
        return self

    def update(self, html: str) -> None:
        self.shown.append(html)

    def _display(self, html: str, *, display_id: bool) -> Notebook:
        assert display_id
        self.shown.append(html)
        return self


def test_true_shows_bars_in_a_notebook_and_takes_them_away(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", untyped(notebook))
    monkeypatch.setattr("snnprog.progress.REFRESH_SECONDS", 0.0)
    result = sp.compile(small_spec(), progress=True)
    assert sp.verify(result.program, small_spec(), progress=True).exact
    first, *bars, last = notebook.shown[: notebook.shown.index("") + 1]
    assert "<label>design <progress ></progress></label>" in first
    assert '<label>design <progress value="2" max="2">' in "".join(bars)
    assert last == ""
    assert notebook.shown[-1] == ""
    assert "<label>all backends" in notebook.shown[notebook.shown.index("") + 1]


def test_bars_of_a_notebook_escape_and_go_away_after_an_error() -> None:
    notebook = Notebook()

    def work(advance: Progress) -> None:
        advance("<script>", 3, 10)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), notebook_bars(notebook, "<b>") as tell:
        work(tell)
    assert notebook.shown[1].count("&lt;") == 2
    assert '<progress value="3" max="10">' in notebook.shown[1]
    assert notebook.shown[-1] == ""


def test_an_ipython_without_a_kernel_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", untyped(SimpleNamespace(get_ipython=object)))
    with shown(True, "design") as tell:
        assert "log_lines" in getattr(tell, "__qualname__", "")  # standard error is not a terminal here


def test_true_shows_bars_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    sp.explain(small_spec(), progress=True)
    assert "design" in terminal.getvalue()


@pytest.mark.parametrize("call", ["compile", "explain", "verify"])
def test_what_is_no_progress_is_refused(call: str) -> None:
    spec = small_spec()
    first = [sp.compile(spec).program] if call == "verify" else []
    with pytest.raises(sp.SpecError, match=r"progress must be True, a callable or None, got 'yes'"):
        getattr(sp, call)(*first, spec, progress="yes")


def test_false_is_no_progress() -> None:
    with shown(False, "design") as tell:
        assert tell is None
