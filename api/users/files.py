"""Readers of account files, which stream their input: CSV with a header, JSON lines, Firebase's `auth:export` as JSON
or CSV, and Django's `dumpdata`. The format is detected from the first characters or the first line."""

import csv
import io
import itertools
import json
import re
from collections.abc import Generator, Iterable, Iterator
from typing import Any, BinaryIO, TypeAlias

from api.kernel import Problem
from api.kernel.input.decoding import decode_json
from api.users.importing import ImportUser

Fields: TypeAlias = "dict[str, Any]"
Entry: TypeAlias = "tuple[int, Fields | str]"
"""The number of a line (in a JSON document: of an account), and the fields of `users.import` or the reason why they
cannot be read."""

LONGEST = 64 * 1024
"""Maximum characters of a line, or of one account in a JSON document."""
COLUMNS = list(ImportUser.__struct_fields__)
_NOT_UTF8 = "Is not in UTF-8."
_FIREBASE = re.compile(r'\s*\{\s*"users"\s*:\s*\[')
_FIREBASE_COLUMNS = range(26, 30)
"""Number of columns: firebase-tools wrote 26, later also `disabled` and `customAttributes`, and a trailing comma."""
_FIREBASE_DISABLED = 26
_TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class FileError(Exception):
    """The file, or the rest of it, cannot be read."""


def read_accounts(file: BinaryIO) -> Generator[Entry, None, None]:
    """Yield the accounts of a file in order. The file must stay open until the generator ends. Raises FileError."""
    # Invalid UTF-8 becomes surrogates, which no field accepts, so that only the line with them is rejected.
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _read(text)
    finally:
        text.detach()


def _read(text: io.TextIOWrapper) -> Iterator[Entry]:
    """Raises FileError."""
    start = text.read(4096)
    if start.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        raise FileError("the file is in UTF-16; convert it to UTF-8.")
    form = start.lstrip()[:1]
    rest = _Resumed(start, text)
    if form == "[":
        return (_taken(number, value, _of_django) for number, value in _objects(rest))
    if _FIREBASE.match(start):
        return (_taken(number, value, _of_firebase) for number, value in _objects(rest))
    return _read_lines(rest) if form == "{" else _read_csv(rest)


class _Resumed:
    """A text whose first characters were already read."""

    def __init__(self, start: str, rest: io.TextIOWrapper) -> None:
        self._start, self._rest = io.StringIO(start, newline=""), rest

    def read(self, size: int) -> str:
        return self._start.read(size) or self._rest.read(size)

    def lines(self) -> Iterator[str]:
        """Yield lines with their line ends. A line longer than LONGEST is yielded in parts, none of which is a valid
        account."""
        while line := self._start.readline(LONGEST):
            if not line.endswith("\n"):
                line += self._rest.readline(LONGEST)
            yield line
        while line := self._rest.readline(LONGEST):
            yield line


def _read_lines(text: _Resumed) -> Iterator[Entry]:
    number, whole = 0, True
    for line in text.lines():
        continues, whole = not whole, line.endswith("\n")
        if continues:
            continue
        number += 1
        if not line.strip():
            continue
        if not whole and len(line) >= LONGEST:
            yield number, f"Is longer than {LONGEST} characters."
            continue
        if not _is_utf8(line):
            yield number, _NOT_UTF8
            continue
        try:
            value = decode_json(line.strip().encode())
        except Problem:
            yield number, "Is not valid JSON."
            continue
        unknown = value.keys() - COLUMNS if isinstance(value, dict) else set()
        if not isinstance(value, dict):
            yield number, "Is not a JSON object."
        elif unknown:
            yield number, f"Has {len(unknown)} unknown fields; known are {', '.join(COLUMNS)}."
        else:
            yield number, value


def _read_csv(text: _Resumed) -> Iterator[Entry]:
    lines = text.lines()
    header = next(lines, "")
    if _is_firebase(header):
        yield from _read_firebase(itertools.chain([header], lines))
        return
    separator = max(",;\t", key=header.count)
    columns = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
    unknown = [str(place) for place, name in enumerate(columns, 1) if name not in COLUMNS]
    if "email" not in columns or unknown or len(set(columns)) < len(columns):
        # The names are not quoted: if the header is missing, they are personal data.
        positions = f" Unknown: column {', '.join(unknown)}, of {len(columns)}." if unknown else ""
        raise FileError(f"the first line must name the columns, email and others of: {', '.join(COLUMNS)}.{positions}")
    reader = csv.reader(lines, delimiter=separator)
    while True:
        number = reader.line_num + 2  # where the row begins: a quoted field may have line ends
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield number, "Is not valid CSV."
            continue
        if not _is_utf8("".join(row)):
            yield number, _NOT_UTF8
        elif len(row) == len(columns):
            yield _taken(number, dict(zip(columns, row, strict=True)), _of_csv)
        elif row:
            yield number, f"Has {len(row)} columns, and the first line has {len(columns)}."


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_firebase(line: str) -> bool:
    """Whether this is the first line of a Firebase CSV file, which has no header."""
    row = _cells(line)
    return len(row) in _FIREBASE_COLUMNS and row[2] in ("true", "false")


def _read_firebase(lines: Iterable[str]) -> Iterator[Entry]:
    """Parse each line on its own: firebase-tools does not escape quotes in names, and a quote must not swallow the
    following lines."""
    number, whole = 0, True
    for line in lines:
        number += whole
        whole = line.endswith("\n")
        if line.strip():
            yield _taken(number, _cells(line), _of_firebase_row)


def _cells(line: str) -> list[str]:
    """Return the cells of a line; an empty list if it is not valid CSV."""
    try:
        return next(csv.reader([line.rstrip("\r\n")]), [])
    except csv.Error:
        return []


def _objects(text: _Resumed) -> Iterator[tuple[int, Any]]:
    """Yield the items of the first list in a JSON document."""
    decoder, buffer, number = json.JSONDecoder(), "", 0
    while "[" not in buffer:
        buffer += text.read(LONGEST)
    buffer = buffer.partition("[")[2]
    place = 0
    while True:
        place = _SPACE.match(buffer, place).end()  # type: ignore[union-attr]  # it also matches the empty string
        if buffer[place : place + 1] == "]":
            return
        try:
            value, place = decoder.raw_decode(buffer, place)
        except (ValueError, RecursionError):
            more = text.read(LONGEST)
            if not more or len(buffer) - place > LONGEST:
                detail = f"the rest is not valid JSON, or one account is too long: after account {number}."
                raise FileError(detail) from None
            buffer, place = buffer[place:] + more, 0
            continue
        number += 1
        yield number, value


_SPACE = re.compile(r"[\s,]*")


def _taken(number: int, value: Any, form: Any) -> Entry:
    try:
        fields: Fields = form(value)
    except (AttributeError, KeyError, TypeError):
        return number, "Is not an account in the format of this file."
    except ValueError as error:
        return number, str(error)
    return number, {name: kept for name, kept in fields.items() if kept is not None and kept != ""}


def _of_csv(row: dict[str, str]) -> Fields:
    fields: Fields = {name: value.strip() for name, value in row.items()}
    for name in ("is_verified", "is_active"):
        if fields.get(name):
            if fields[name].lower() not in _TRUTHS:
                raise ValueError(f"/{name} Must be true or false.")
            fields[name] = _TRUTHS[fields[name].lower()]
    if "roles" in fields:
        fields["roles"] = fields["roles"].split()
    return fields


def _of_firebase(user: Fields) -> Fields:
    if not user.get("email"):
        raise ValueError("Has no e-mail address.")
    return {
        "email": user["email"],
        "name": user.get("displayName"),
        "password_hash": user.get("passwordHash"),
        "password_salt": user.get("salt") if user.get("passwordHash") else None,
        "is_verified": user.get("emailVerified"),
        "is_active": not user.get("disabled", False),
    }


def _of_firebase_row(row: list[str]) -> Fields:
    """Map the columns in the order documented for `firebase auth:export`."""
    if len(row) not in _FIREBASE_COLUMNS:
        raise ValueError(f"Has {len(row)} columns, and not those of firebase auth:export.")
    email, verified, password_hash, salt, name = (cell.strip() for cell in row[1:6])
    disabled = row[_FIREBASE_DISABLED] if len(row) > _FIREBASE_DISABLED else ""
    if not {verified, disabled} <= {"true", "false", ""}:
        raise ValueError("Columns 3 and 27 must be true, false or empty.")
    user = {"email": email, "passwordHash": password_hash, "salt": salt, "displayName": name}
    return _of_firebase(user | {"emailVerified": verified == "true", "disabled": disabled == "true"})


def _of_django(item: Fields) -> Fields:
    account = item["fields"]
    if "password" not in account:
        raise ValueError("Is not an account: it has no password.")
    if not account.get("email"):
        raise ValueError("Has no e-mail address.")
    names = (account.get(part) or "" for part in ("first_name", "last_name"))
    return {
        "email": account["email"],
        "name": " ".join(names).strip(),
        "password_hash": account["password"],
        "is_active": account.get("is_active"),
    }
