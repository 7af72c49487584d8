"""A pytest plugin that tests compiled programs on the backends chosen on its command line.

::

    from snnprog.pytest_plugin import assert_exact

    def test_detector(snnprog_backend):                 # once for each backend chosen
        assert_exact("detector.snnp", spec, snnprog_backend)

    @pytest.mark.snnprog_backend("lava")                # on Lava, whatever is chosen
    def test_states():
        assert_exact("detector.snnp", spec, "lava", record="state")

``--snnprog-backend NAME`` chooses a backend, and may be repeated; without it the reference is chosen. A test whose
backend is not installed is skipped, or failed if ``--snnprog-require NAME`` names it (which also chooses it).
Installing snnprog installs the plugin: the entry point has the name of the module, so that ``-p
snnprog.pytest_plugin`` does not load it twice.

Every pytest run on a machine with snnprog imports this module, so other modules are imported inside functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from snnprog.version import __version__

if TYPE_CHECKING:
    from snnprog.program import Program
    from snnprog.spec import Pattern, Spec
    from snnprog.verification import Verification

FIXTURE = MARK = "snnprog_backend"
BACKEND_OPTION, REQUIRE_OPTION = "--snnprog-backend", "--snnprog-require"
REFERENCE = "reference"
BUILT_IN = ("kernel", REFERENCE)  # listed here, because `snnprog.backends` imports NumPy


def assert_exact(
    program: Program | str | Path,
    patterns: Spec | Pattern | Sequence[Pattern],
    backend: str = REFERENCE,
    *,
    record: Literal["spikes", "state"] = "spikes",
    against: str = REFERENCE,
    same_spec: bool = False,
) -> Verification:
    """Assert that a program produces its targets on a backend, and the same results as on another backend.

    Parameters
    ----------
    program : Program or path
    patterns : Spec, Pattern, or a list of patterns
        Inputs and targets.
    backend : str
        The backend: "reference", or the name of a backend folder.
    record : {"spikes", "state"}
        Whether currents and potentials are compared, too.
    against : str
        The backend to compare with.
    same_spec : bool
        Whether the program must have been compiled from this `Spec`, not from an older one.

    Raises
    ------
    AssertionError
        If the program is of another spec, or they differ; the message names the program's file, and the first
        divergence: where, what had arrived, and which rule would explain it.
    SpecError, FormatError, BackendError
        As `snnprog.verify` and `snnprog.load` do.
    """
    __tracebackhide__ = True
    from snnprog.errors import SnnprogError, SpecError
    from snnprog.program import Program, load
    from snnprog.spec import Pattern, Spec
    from snnprog.verification import verify

    try:
        if same_spec and not isinstance(patterns, Spec):
            raise SpecError("same_spec compares the program with a Spec; give the spec in place of patterns")
        loaded = program if isinstance(program, Program) else load(program)
        if not isinstance(patterns, Spec):
            patterns = Spec([patterns] if isinstance(patterns, Pattern) else patterns, chip=loaded.chip)
        verification = verify(loaded, patterns, [backend], record=record, against=against)
    except SnnprogError as error:
        raise error.with_traceback(None) from None  # so that pytest shows the test, and no lines of this package
    check = verification.backends[backend]
    name = "" if isinstance(program, Program) else f"{program}: "
    if same_spec and not verification.same_spec:
        fault = verification.mismatch or "the program names no specification"
        raise AssertionError(f"{name}{fault}; compile the specification again")
    if not check.exact:
        counted = sum(int(pattern.care.sum()) for pattern in patterns.patterns)
        other = "" if verification.mismatch is None else f"\n{verification.mismatch}"
        raise AssertionError(
            f"{name}{check.first_divergence}\n{check.wrong_bins} of {counted} bins that count are wrong{other}"
        )
    return verification


@pytest.fixture
def snnprog_backend(request: pytest.FixtureRequest) -> str:
    """Provide the name of each backend chosen by options or by a mark, in turn."""
    name: str = request.param
    request.node.user_properties.append((FIXTURE, name))
    return name


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("snnprog", "programs compiled by snnprog")
    for option, text in (
        (
            BACKEND_OPTION,
            "backend of the fixture snnprog_backend; may be repeated (default: reference)",
        ),
        (REQUIRE_OPTION, "as --snnprog-backend, but fail instead of skip its tests if it is not installed"),
    ):
        group.addoption(option, action="append", default=[], metavar="NAME", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, and refuse unknown backends."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(name, ...): runs on these backends and ignores {BACKEND_OPTION}; skipped, or failed under"
        f" {REQUIRE_OPTION}, if one is not installed",
    )
    for name in _chosen(config):
        _check_known(name)


def pytest_report_header(config: pytest.Config) -> str:
    """Report the chosen backends and their versions."""
    return f"snnprog {__version__} on " + ", ".join(_description(name) for name in _chosen(config))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses the fixture once for each backend of its mark, otherwise of the options."""
    if FIXTURE in metafunc.fixturenames:
        names = _marked(metafunc.definition) or _chosen(metafunc.config)
        metafunc.parametrize(FIXTURE, names, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose backend is not installed, or fail it if the backend is required."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    for name in [str(parameters[FIXTURE])] if FIXTURE in parameters else _marked(item):
        if _is_ready(name):
            continue
        reason = f"backend {name} is not installed; run 'snnprog backends install {name}'"
        if name in item.config.getoption(REQUIRE_OPTION):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def _chosen(config: pytest.Config) -> list[str]:
    given, required = config.getoption(BACKEND_OPTION), config.getoption(REQUIRE_OPTION)
    return list(dict.fromkeys([*(given or [REFERENCE]), *required]))


def _marked(node: pytest.Item) -> list[str]:
    """Return the backends in the marks of a test, outermost first."""
    marks = list(node.iter_markers(MARK))[::-1]
    return list(dict.fromkeys(name for mark in marks for name in mark.args))


def _check_known(name: str) -> None:
    if name in BUILT_IN:
        return
    from snnprog.backends import find_backend
    from snnprog.errors import BackendError

    try:
        find_backend(name)
    except BackendError as error:
        raise pytest.UsageError(str(error)) from error


def _is_ready(name: str) -> bool:
    if name in BUILT_IN:
        return True
    from snnprog.backends import find_backend, status

    return status(find_backend(name)).is_ready


def _description(name: str) -> str:
    if name in BUILT_IN:
        return name
    from snnprog.backends import find_backend

    notes = [f"{package} {version}" for package, version in find_backend(name).required_distributions.items()]
    notes += [] if _is_ready(name) else ["not installed"]
    return f"{name} ({', '.join(notes)})" if notes else name
