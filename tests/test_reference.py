"""The reference: every public name is in docs/reference/api/, and its docstring holds what STYLE asks of one."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import snnprog as sp

PAGES = sorted((Path(__file__).resolve().parents[1] / "docs" / "reference" / "api").glob("*.md"))
API = "".join(page.read_text(encoding="utf-8") for page in PAGES)
ENTRIES = re.findall(r"^\.\. auto(?:class|function|exception):: ([\w.]+)$", API, re.MULTILINE)
FOLDERS = [name for name in sp.__all__ if inspect.ismodule(getattr(sp, name))]
PUBLIC = [name for name in sp.__all__ if name not in ("__version__", *FOLDERS)]
SECTIONS = ("Parameters", "Attributes", "Raises", "Warns", "Returns", "Yields", "Examples")


def object_of(entry: str) -> object:
    """Return what an entry of the page documents: a public name, or one with its module."""
    module, _, name = entry.rpartition(".")
    return getattr(import_module(module) if module else sp, name)


def section(text: str, *titles: str) -> str:
    """Return what stands in sections of a NumPy docstring."""
    parts = re.split(r"^(\w+)\n-{3,}$", inspect.cleandoc(text), flags=re.MULTILINE)
    return "\n".join(body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title in titles)


def described(text: str, *titles: str) -> set[str]:
    """Return the names that a docstring describes in these sections, as in "tick, neuron : int"."""
    heads = re.findall(r"^(\w[\w, ]*?)(?: :|$)", section(text, *titles), re.MULTILINE)
    return {name for head in heads for name in re.split(r",\s*", head.strip())}


def documented() -> Iterator[tuple[str, object]]:
    for entry in ENTRIES:
        yield entry, object_of(entry)


def callables() -> Iterator[tuple[str, object]]:
    """Yield every documented function, and every public method of a documented class."""
    for entry, value in documented():
        if inspect.isfunction(value):
            yield entry, value
        elif inspect.isclass(value):
            for name, member in vars(value).items():
                plain = getattr(member, "__func__", member)
                if not name.startswith("_") and (inspect.isfunction(plain) or isinstance(plain, property)):
                    yield f"{entry}.{name}", plain


EVERYTHING = [*documented(), *callables()]
FUNCTIONS = [(name, value) for name, value in callables() if inspect.isfunction(value)]
FIELDS = [(name, value) for name, value in documented() if dataclasses.is_dataclass(value)]


def test_every_public_name_has_an_entry() -> None:
    assert sorted(entry for entry in ENTRIES if "." not in entry) == sorted(PUBLIC)
    assert len(set(ENTRIES)) == len(ENTRIES)
    without = {"coding.NO_CLASS", "coding.Encoder", "automata.WRONG", "automata.StreamClaim"}  # values and protocols
    for folder in FOLDERS:
        module = getattr(sp, folder)
        names = [name for name in module.__all__ if getattr(module, name) is not getattr(sp, name, None)]
        missing = {f"{folder}.{name}" for name in names if f"snnprog.{folder}.{name}" not in ENTRIES}
        assert missing <= without


def test_everything_begins_with_one_sentence() -> None:
    for name, value in EVERYTHING:
        text = inspect.cleandoc(getattr(value, "__doc__", None) or "")
        assert text, f"{name} has no docstring"
        first = text.partition("\n\n")[0]
        assert first.rstrip()[-1] in ".:", f"{name}: the first paragraph is not a sentence"
        assert set(re.findall(r"^(\w+)\n-{3,}$", text, re.MULTILINE)) <= set(SECTIONS), name


def test_every_option_is_described() -> None:
    for name, value in FUNCTIONS:
        assert callable(value)
        found = inspect.signature(value).parameters.values()
        options = {each.name for each in found if each.kind is each.KEYWORD_ONLY}
        assert options <= described(value.__doc__ or "", "Parameters"), name


def test_every_field_is_described() -> None:
    for name, value in FIELDS:
        fields = {field.name for field in dataclasses.fields(value)}
        assert fields - described(value.__doc__ or "", "Attributes", "Parameters") == set(), name


def test_what_is_raised_is_listed() -> None:
    for function in filter(inspect.isfunction, (getattr(sp, name) for name in PUBLIC)):
        raised = set(re.findall(r"raise (\w+Error)\(", inspect.getsource(function)))
        listed = re.findall(r"^(\w+Error)$", section(function.__doc__ or "", "Raises"), re.MULTILINE)
        assert raised <= set(listed), function.__name__
        assert all(issubclass(getattr(sp, name), sp.SnnprogError) for name in listed), function.__name__
