"""``snnprog watch``: what counts as a change, what is built after it, and how a browser hears of it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from command_line import Command
from processes import wait_until

from snnprog import cli
from snnprog.cli.serving import PageServer
from snnprog.cli.watching import stamps_of, wait_for_change
from snnprog.program import load
from snnprog.report.page import html_of, page_of_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser


Watch = Callable[..., tuple[list[str], list[str]]]

# -------------------------------------------------------------------------------------------------------------- changes


class Edits:
    """A pause in which the next of some edits is made; fails when there are no more."""

    def __init__(self, *edits: Callable[[], object]) -> None:
        self.left = list(edits)

    def __call__(self) -> None:
        assert self.left, "it still waits"
        self.left.pop(0)()


def nothing() -> None:
    """Change nothing."""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return two files, one of them empty."""
    paths = [tmp_path / "SPEC.toml", tmp_path / "x.csv"]
    paths[0].write_text("a = 1", encoding="utf-8")
    paths[1].touch()
    return paths


def replaced(path: Path) -> None:
    """Replace a file by another of the same size, as most editors do."""
    new = path.with_suffix(".new")
    new.write_text("a = 2", encoding="utf-8")
    new.replace(path)


def test_a_replaced_file_is_a_change(files: list[Path]) -> None:
    pause = Edits(nothing, nothing, lambda: replaced(files[0]), nothing)
    wait_for_change(stamps_of(files), pause=pause)
    assert not pause.left


def test_a_change_before_the_first_look_is_seen(files: list[Path]) -> None:
    stamps = stamps_of(files)
    files[1].write_text("more", encoding="utf-8")
    wait_for_change(stamps, pause=Edits(nothing, nothing))


def test_a_file_that_grows_is_waited_for(files: list[Path]) -> None:
    grow = [lambda size=size: files[1].write_bytes(b"x" * size) for size in (1, 2, 3)]
    pause = Edits(*grow, nothing)
    wait_for_change(stamps_of(files), pause=pause)
    assert not pause.left


def test_a_file_that_vanishes_for_a_moment(files: list[Path]) -> None:
    kept = files[0].with_suffix(".kept")
    pause = Edits(
        lambda: files[0].rename(kept), lambda: kept.rename(files[0]), nothing, lambda: replaced(files[0]), nothing
    )
    wait_for_change(stamps_of(files), pause=pause)
    assert not pause.left, "it came back as it was, which is no change"


def test_a_file_that_stays_away_is_a_change(files: list[Path]) -> None:
    wait_for_change(stamps_of(files), pause=Edits(files[1].unlink, nothing))


# --------------------------------------------------------------------------------------------------------------- builds


class EnoughError(Exception):
    """Ends a watch that would go on."""


@pytest.fixture
def watch(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Return a function that watches a new job through some edits, and returns the lines of output and of errors."""
    monkeypatch.chdir(tmp_path)
    command("init")

    def run(*edits: Callable[[], object], words: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
        left = list(edits)

        def next_edit(_: object) -> None:
            if not left:
                raise EnoughError("enough")
            left.pop(0)()

        monkeypatch.setattr("snnprog.cli.watch.wait_for_change", next_edit)
        code, out, err = command("watch", "SPEC.toml", "-o", "p.snnp", *words)
        *errors, last = err.splitlines()
        assert (code, "EnoughError: enough" in last) == (cli.INTERNAL_ERROR, True)
        clock = re.compile(r"\d\d:\d\d:\d\d ")
        lines = [clock.sub("", re.sub(r" \(\d+\.\d s\)$", "", line)) for line in out.splitlines()]
        return lines, [clock.sub("", line) for line in errors]

    return run


def edit(name: str, old: str, new: str) -> Callable[[], object]:
    def change() -> None:
        text = Path(name).read_text(encoding="utf-8")
        assert old in text
        Path(name).write_text(text.replace(old, new), encoding="utf-8")

    return change


def test_each_change_is_compiled(watch: Watch) -> None:
    out, err = watch(edit("SPEC.toml", "sparse = true", "sparse = false"))
    assert (out[0], err) == ("exact on 8 patterns, 2 synapses; wrote p.snnp", [])
    assert out[1] == f"exact on 8 patterns, {load('p.snnp').n_synapses} synapses; wrote p.snnp"
    assert load("p.snnp").n_synapses > 2


def test_errors_are_shown_and_watching_goes_on(watch: Watch) -> None:
    content = Path("SPEC.toml").read_bytes()
    out, err = watch(
        edit("SPEC.toml", "delays = ", "delay = "),
        edit("SPEC.toml", "delay = ", "delays == "),
        Path("SPEC.toml").unlink,
        lambda: Path("SPEC.toml").write_bytes(b"\xff"),
        lambda: Path("SPEC.toml").write_bytes(content),
    )
    assert err[0] == "snnprog: SPEC.toml: unknown key 'delay'; did you mean 'delays'?"
    assert "SPEC.toml is not valid TOML" in err[1]
    assert "SPEC.toml cannot be read: No such file or directory" in err[2]
    assert len(err) == 4
    assert [line for line in out if line.startswith("exact")] == ["exact on 8 patterns, 2 synapses; wrote p.snnp"] * 2


def test_a_spec_that_became_infeasible_has_a_page(watch: Watch) -> None:
    out, err = watch(
        edit("SPEC.toml", '"1-5"', '"1-3"'),
        edit("SPEC.toml", '"1-3"', '"1-4"'),
        words=("--report", "p.html", "--title", "Mine"),
    )
    assert out[0].startswith("open http://127.0.0.1:")
    assert out[1:] == ["exact on 8 patterns, 2 synapses; wrote p.snnp and p.html"] * 2
    assert [line.startswith("snnprog: infeasible: no weights let output 0 spike at tick ") for line in err] == [True]
    text = Path("p.html").read_text(encoding="utf-8")
    assert "<title>Mine: Exact on all 8 patterns</title>" in text
    assert "EventSource" not in text
    assert "connect-src" not in text


def test_the_page_says_why_there_is_no_program(watch: Watch) -> None:
    watch(edit("SPEC.toml", '"1-5"', '"1-3"'), words=("--report", "p.html"))
    assert "<title>SPEC.toml: " in Path("p.html").read_text(encoding="utf-8")


def test_closest_is_written(watch: Watch) -> None:
    Path("inputs.csv").write_text("tick,neuron\n1,0\n", encoding="utf-8")
    Path("targets.csv").write_text("tick,neuron\n0,0\n2,0\n", encoding="utf-8")
    pattern = 'inputs = "inputs.csv"\ntargets = "targets.csv"\nticks = 4\nn_inputs = 1\nn_outputs = 1\n'
    Path("SPEC.toml").write_text(f"[[patterns]]\n{pattern}", encoding="utf-8")
    out, err = watch(words=("--closest",))
    assert (out, err) == (["1 wrong bin on 1 pattern, 1 synapse; wrote p.snnp"], [])


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")
def test_ctrl_c_ends_it_with_a_line(command: Command, tmp_path: Path) -> None:
    command("init", tmp_path)
    with (tmp_path / "said").open("w", encoding="utf-8") as said:
        words = [sys.executable, "-m", "snnprog", "watch", "SPEC.toml", "-o", "p.snnp"]
        process = subprocess.Popen(words, cwd=tmp_path, stdout=said, stderr=subprocess.PIPE, text=True)
        assert wait_until(lambda: (tmp_path / "said").read_text(encoding="utf-8").count("\n") == 1)
        text = (tmp_path / "SPEC.toml").read_text(encoding="utf-8")
        (tmp_path / "SPEC.toml").write_text(text.replace("1-5", "1-4"), encoding="utf-8")
        assert wait_until(lambda: (tmp_path / "said").read_text(encoding="utf-8").count("\n") == 2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "snnprog: interrupted\n")


# -------------------------------------------------------------------------------------------------------------- serving


@pytest.fixture
def server() -> Iterator[PageServer]:
    server = PageServer()
    yield server
    server.shutdown()
    server.server_close()


def answer(server: PageServer, path: str) -> tuple[int, str, bytes]:
    """Return the status, the place that is pointed to, and the content of an answer."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    found = response.status, response.getheader("Location", ""), response.read()
    connection.close()
    return found


def test_the_page_is_served_under_its_secret_alone(server: PageServer) -> None:
    server.show("one")
    place = urlsplit(server.address).path
    assert len(place) > 20
    assert answer(server, place) == (303, f"{place}?1", b"")
    assert answer(server, f"{place}?1") == (200, "", b"one")
    server.show("two")
    assert answer(server, f"{place}?1") == (303, f"{place}?2", b"")
    assert answer(server, f"{place}?2") == (200, "", b"two")
    for other in ("/", "/?2", "/changes", f"{place}x", f"/x{place}"):
        assert answer(server, other)[0] == 404


def test_changes_are_sent_as_they_come(server: PageServer) -> None:
    server.show("one")
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request("GET", f"{urlsplit(server.address).path}changes")
    response = connection.getresponse()
    assert [response.readline(), response.readline()] == [b"data: 1\n", b"\n"]
    server.show("two")
    assert response.readline() == b"data: 2\n"
    connection.close()


def test_a_browser_shows_each_change(
    browser: Browser, server: PageServer, command: Command, detector: Path, tmp_path: Path
) -> None:
    """The page runs under its own policy: any breach would be an error in the console."""
    program = load(detector)
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    server.show(html_of(page_of_program(program, title="First"), is_live=True))
    page.goto(server.address)
    page.wait_for_selector("html[data-ready]")
    assert page.title().startswith("First")
    server.show(html_of(page_of_program(program, title="Second"), is_live=True))
    page.locator(".verdict .title", has_text="Second").wait_for()
    page.wait_for_selector("html[data-ready]")
    assert said == []
    page.close()
