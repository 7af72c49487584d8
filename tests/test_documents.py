"""Untrusted JSON and TOML: the values, or the reason why not, in time that grows with the length of the text."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnprog import documents
from snnprog.documents import DEPTH_LIMIT, check_depth, parse_json, parse_toml

BAD_JSON = {
    "a key twice": (b'{"a": {"b": 1, "c": 2, "b": 1}}', "it has the key 'b' twice"),
    "a key twice, by escape": (rb'{"a": 1, "\u0061": 1}', "it has the key 'a' twice"),
    "NaN": (b'{"a": NaN}', "NaN is not valid JSON"),
    "too deep": (b'{"a": ' + b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT + b"}", "it is nested more than 32 deep"),
    "much too deep": (b"[" * 100_000, "it is nested more than 32 deep"),
    "no object": (b"[]", "it must be an object, got a list"),
    "no UTF-8": (b'{"a": "\xff"}', r"it is not text in UTF-8 \(byte 0xff at 7\); save it as UTF-8"),
}

BAD_TOML = {
    "many parts": (b"a" + b".a" * DEPTH_LIMIT + b" = 1", "a key has more than 32 parts"),
    "many parts with spaces": (b"a" + b" . a" * DEPTH_LIMIT + b" = 1", "a key has more than 32 parts"),
    "many quoted parts": (b'"a"' + b'."a"' * DEPTH_LIMIT + b" = 1", "a key has more than 32 parts"),
    "many parts in a header": (b"[a" + b".a" * DEPTH_LIMIT + b"]", "a key has more than 32 parts"),
    "many parts in a table": (b"x = {a" + b".a" * DEPTH_LIMIT + b" = 1}", "a key has more than 32 parts"),
    "many parts after a string": (b'x = "\\""\na' + b".a" * DEPTH_LIMIT + b" = 1", "a key has more than 32 parts"),
    "many parts after an open string": (b"x = '\na" + b".a" * DEPTH_LIMIT + b" = 1", "a key has more than 32 parts"),
    "too deep": (b"a = " + b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT, "it is nested more than 32 deep"),
    "much too deep": (b"a = " + b"[" * 100_000, "it is nested more than 32 deep"),
    "65 bits": (b"a = [1, [9223372036854775808]]", "an integer must have at most 64 bits"),
    "very many bits": (b"a = 0x" + b"f" * 100_000, "an integer must have at most 64 bits"),
    "no UTF-8": (b'a = "\xff"', r"it is not text in UTF-8 \(byte 0xff at 5\); save it as UTF-8"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_JSON.values(), ids=BAD_JSON)
def test_json_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(content)


@pytest.mark.parametrize(("content", "reason"), BAD_TOML.values(), ids=BAD_TOML)
def test_toml_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_toml(content)


@pytest.mark.parametrize(
    "text",
    [
        "a = '" + "." * 99 + "'",
        'a = "\\"' + "." * 99 + '"',
        "a = 1 # " + "." * 99,
        "a = '''\n" + ".\n" * 99 + "'''",
        'a = """' + "x.'" * 99 + '"""',
        "a = [" + "1.5, " * 99 + "]",
        "a" + ".a" * (DEPTH_LIMIT - 2) + " = 1",
        f"a = [{-(1 << 63)}, {(1 << 63) - 1}]",
    ],
)
def test_toml_with_dots_elsewhere_is_read(text: str) -> None:
    assert set(parse_toml(text.encode())) == {"a"}


def test_the_deepest_that_is_read() -> None:
    inner = b"[" * (DEPTH_LIMIT - 1) + b"]" * (DEPTH_LIMIT - 1)
    assert parse_json(b'{"a": ' + inner + b"}") == {"a": json.loads(inner)}
    assert parse_toml(b"a = " + inner) == {"a": json.loads(inner)}


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_toml(b"\xef\xbb\xbfa = 1") == {"a": 1}


@pytest.mark.parametrize(("parse", "limit"), [(parse_json, "JSON"), (parse_toml, "TOML")])
def test_what_is_too_large_is_not_parsed(
    monkeypatch: pytest.MonkeyPatch, parse: Callable[[bytes], object], limit: str
) -> None:
    monkeypatch.setattr(documents, f"{limit}_LIMIT_BYTES", 4)
    with pytest.raises(ValueError, match="it has 5 bytes; at most 4 are read"):
        parse(b"{   }")


VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@settings(deadline=None)
@given(VALUES)
def test_depth_and_leaves(value: object) -> None:
    assert len(check_depth(value)) == _leaves(value)


def _leaves(value: object) -> int:
    if isinstance(value, (list, dict)):
        return sum(map(_leaves, value.values() if isinstance(value, dict) else value))
    return 1


@settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=3))
def test_json_comes_back(value: dict[str, object]) -> None:
    assert parse_json(json.dumps(value).encode()) == value
