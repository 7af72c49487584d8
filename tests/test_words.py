"""The words that people read: a table of forms to avoid, with what to write instead, held up to every text.

The texts are the pages, docstrings, comments, and strings in code that have several words: messages, titles and help.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = ("snnprog", "backends", "benchmarks", "examples")
PAGES = ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/**/*.md", "backends/**/*.md")
BUILT = "_build"

# A space stands for any white space, line breaks included. Case does not count.
FORMS = {
    r"\b(hold|holds|held|holding) (\S+ ){0,5}?against\b": "compare … with, check … against",
    r"\bstrangers?\b": "untrusted, hostile",
    r"\bwho(ever|mever)\b": "a user, a caller, a reader",
    r"\b(is|are|was|were|be|been) told\b": "is reported, is given, is known",
    r"\btold (of|apart|by)\b": "reported, distinguished, known from",
    r"\btells? (\S+ ){0,6}?apart\b": "distinguish",
    r"\b(is|are|was|were) asked\b": "is requested, is required; the target, the specification",
    r"\basked (for|of)\b": "requested, required",
    r"\b(as|what|was|be) asked\b": "as specified; the target, the specification",
    r"; [^.;]{1,60} (is|are) needed\b": "X must be …, got …",
    r"; allowed (is|are)\b": "X must be …, got …",
    r"\bwhole numbers?\b(?! of)": "integer",
    r"\banew\b": "again; rebuild, restart",
    r"\bnonsense\b": "an invalid result",
    r"\bbelieve[ds]?\b": "invalid, unverified",
    r"\bunless (said|told|asked)\b": "by default",
    r"\bsaid so\b": "with a note",
    r"\bgo(es)? together\b": "match, are consistent",
    r"(?<!there\s)\b(is|are) no (?!longer\b|more\b|less\b|later\b|greater\b)": "is not a, are not",
    r"\bleft out\b": "omitted, skipped, excluded",
    r"\bleave (it|them) out\b": "omit, remove",
    r"\bfor ever\b": "forever",
    r"\bbe the (progress|one)\b": "No-op progress callback",
    r"\bno partition has fewer\b": "the minimum",
    r"\bdo(es)? what (it|they) likes?\b": "runs freely",
    r"\bof bearable size\b": "limited in size",
    r"\bin vain\b": "without success",
    r"\bthe others'": "of the others",
    r"\banother's\b": "of another",
    r"\bas (it|they) stands?\b": "unchanged",
    r"\bmeans? another\b": "uses another",
    r"\bhas no use for\b": "does not apply to",
    r"\b(hence|thus|lest|thereof|therein|wherein|whereof|hitherto|whilst|unto|amid)\b": "a plain word",
}


def found_in(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line within a text, the form, and what to write instead."""
    for form, instead in FORMS.items():
        for match in re.finditer(form.replace(" ", r"\s+"), text, re.IGNORECASE):
            yield text.count("\n", 0, match.start()), " ".join(match[0].split()), instead


def texts_of_page(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the text of a page without its blocks of code, which may print anything."""
    text = page.read_text(encoding="utf-8")
    yield (
        1,
        re.sub(r"^(```|~~~).*?^\1", lambda block: "\n" * block[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE),
    )


def texts_of_code(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring, comment and string of several words."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, node.value
    with tokenize.open(file) as lines:
        for token in tokenize.generate_tokens(lines.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def pages() -> list[Path]:
    found = {page for pattern in PAGES for page in ROOT.glob(pattern)}
    return sorted(page for page in found if BUILT not in page.parts and "node_modules" not in page.parts)


def faults(file: Path) -> list[str]:
    texts = texts_of_code(file) if file.suffix == ".py" else texts_of_page(file)
    return [
        f"{file.relative_to(ROOT)}:{line + further}: '{form}': write: {instead}"
        for line, text in texts
        for further, form, instead in found_in(text)
    ]


def test_pages_are_in_plain_words() -> None:
    assert [fault for page in pages() for fault in faults(page)] == []


@pytest.mark.parametrize("folder", CODE)
def test_code_is_in_plain_words(folder: str) -> None:
    assert [fault for file in sorted((ROOT / folder).rglob("*.py")) for fault in faults(file)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Hold a program against its spec",
        "seed is -1; a whole number from 0 is needed",
        "delay is 64; allowed is 1 to 63",
        "elsewhere they are left out, and said so",
        "Spikes asked for, and produced",
        "a result that cannot be believed",
        "Be the progress of whoever wants to hear of none",
        "files of a\n    stranger",
        "the inputs are no rasters",
    ],
)
def test_a_stilted_form_is_found(text: str) -> None:
    assert list(found_in(text))


def test_a_fault_names_its_line_and_what_to_write(tmp_path: Path) -> None:
    assert list(found_in("one line\nunless said otherwise")) == [(1, "unless said", "by default")]
    page = tmp_path / "page.md"
    page.write_text("A page\n\n```\nunless said\n```\n", encoding="utf-8")
    assert [fault for _, text in texts_of_page(page) for fault in found_in(text)] == []
