"""Reads just enough of a statement: where its parentheses, lists and aliases are."""

import re
from collections.abc import Iterator

import msgspec

_OPAQUE = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_TOKEN = re.compile(r"[(),]|\b(?:select|returning|distinct|from|join|where|values)\b|\bas\s+(\w+)", re.IGNORECASE)


class Span(msgspec.Struct, frozen=True):
    """A part of a statement, by its place."""

    start: int
    end: int

    def of(self, statement: str) -> str:
        return statement[self.start : self.end].strip()


def masked(statement: str) -> str:
    """The statement with its comments and the insides of its strings as blanks, each character in its place."""
    return _OPAQUE.sub(lambda found: " " * len(found[0]), statement)


def expressions(statement: str, alias: str) -> list[Span]:
    """What is written before each `as alias`, back to the comma, parenthesis or keyword that precedes it."""
    found: list[Span] = []
    starts = [0]
    for token in _TOKEN.finditer(masked(statement)):
        if token[0] == "(":
            starts.append(token.end())
        elif token[0] == ")":
            starts[-2:] = starts[-2:-1] or [0]
        elif token[1] is None:
            starts[-1] = token.end()
        elif token[1].lower() == alias:
            found.append(Span(starts[-1], token.start()))
    return found


def arguments(statement: str, start: int) -> list[Span]:
    """The arguments of the call whose parenthesis opens before `start`."""
    found: list[Span] = []
    depth, begin = 0, start
    for token in re.finditer(r"[(),]", masked(statement)[start:]):
        place = start + token.start()
        if token[0] == "(":
            depth += 1
        elif depth == 0:
            found.append(Span(begin, place))
            begin = place + 1
            if token[0] == ")":
                break
        elif token[0] == ")":
            depth -= 1
    return found


def calls(statement: str, within: Span, function: str) -> Iterator[int]:
    """The places after the opening parenthesis of each call of a function."""
    text = masked(statement)
    for call in re.finditer(rf"\b{function}\s*\(", text[within.start : within.end], re.IGNORECASE):
        yield within.start + call.end()
