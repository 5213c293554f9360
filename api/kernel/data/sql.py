"""Binds typed signatures to the files under sql/. `@query` on `async def insert(db, …) -> Order: ...` in
api/orders/queries.py reads sql/orders/insert.sql at import, so that a missing file fails at start. The return
annotation determines the number of rows; `def list_all(db, …) -> AsyncIterator[Order]: ...` reads any number of rows in
batches. The first parameter is `db: Database` for reads, `db: Transaction` for writes and locks."""

import contextlib
import inspect
import logging
import re
import time
import types
import typing
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, overload
from uuid import UUID

import msgspec
from opentelemetry.trace import SpanKind

from api.kernel.data.cursors import fetched
from api.kernel.data.database import (
    Autocommit,
    Database,
    Transaction,
    Violation,
    constraint_problem,
    demand_transaction,
)
from api.kernel.data.rows import Counted, argument_converter, row_maker
from api.kernel.data.together import Together
from api.kernel.errors import NOT_FOUND, Problem
from api.kernel.telemetry import mark_failed, query_seconds, span, tracer

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
Query = Callable[P, Awaitable[R]]
Rows = Callable[P, AsyncIterator[R]]

FOLDER = Path(__file__).parents[3] / "sql"
_NO_CODE = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$""", re.DOTALL)
"""Comments, literals and quoted names."""
_WRITES = re.compile(
    r"\b(insert\s+into|update|delete\s+from|merge\s+into|truncate|for\s+(key\s+)?share|lock\s+table"
    r"|pg_(try_)?advisory_xact_lock\w*)\b",
    re.IGNORECASE,
)
"""`update` includes `for update` and `on conflict do update`. A lock outside of a transaction is gone at once."""


class QueryError(Exception):
    """A signature and its .sql file do not match. The message names both."""


class Bound(msgspec.Struct, frozen=True):
    """A bound query, as checked against the database by a test."""

    name: str
    file: Path
    statement: str
    parameters: dict[str, Any]
    row: Any
    cardinality: str
    """`one` (or 404), `maybe` (or None), `many`, `counted`, `none`, or `stream`."""
    constraints: dict[str, type[Problem]]
    transactional: bool = False
    """Whether it demands a Transaction."""
    together: bool = False
    """Whether concurrent calls share a statement (together.py), whose parameters are then arrays."""


def writes(statement: str) -> bool:
    """Whether the statement changes or locks rows, by its text."""
    return _WRITES.search(_NO_CODE.sub(" ", statement)) is not None


@overload
def query(function: Query[P, R], /) -> Query[P, R]: ...
@overload
def query(function: Rows[P, R], /) -> Rows[P, R]: ...
@overload
def query(*, together: bool) -> Callable[[Query[P, R]], Query[P, R]]: ...
@overload
def query(**constraints: type[Problem]) -> Callable[[Query[P, R]], Query[P, R]]: ...
def query(function: Callable[..., Any] | None = None, /, together: Any = False, **constraints: type[Problem]) -> Any:
    """Bind a signature to its statement. `@query(users_email_key=EMAIL_TAKEN)` maps the named constraint to a Problem.
    `@query(together=True)` reads the row of one key; concurrent calls share a statement, which takes arrays of keys
    (together.py). Raises QueryError at import if the file is missing or the signature is invalid."""
    if function is None:
        return lambda later: _bind(later, constraints, together)
    return _bind(function, constraints)


def bound_queries(module: types.ModuleType) -> list[Bound]:
    """Return the queries in a module."""
    return [value.bound for value in vars(module).values() if hasattr(value, "bound")]


def _bind(function: Callable[..., Any], constraints: dict[str, type[Problem]], together: bool = False) -> Any:
    bound = _read(function, constraints, together)
    # The comment shows the query's name in pg_stat_activity and the slow query log.
    statement = f"-- {bound.name}\n{bound.statement}"
    make, convert = row_maker(bound.name, bound.row), argument_converter(bound.parameters)
    labels = {"db.operation.name": bound.name}
    attributes = {"db.system.name": "postgresql", "db.query.summary": bound.name}
    shared = Together(statement, len(bound.parameters)) if together else None

    async def run(db: Database, *arguments: Any) -> Any:
        if bound.transactional:
            demand_transaction(db, bound.name)
        began = time.perf_counter()
        with span(bound.name, SpanKind.CLIENT, attributes=attributes) as current:
            if current.is_recording():
                current.set_attribute("db.namespace", db.namespace)
            try:
                if shared:
                    rows = await shared.fetch(db, arguments)
                else:
                    rows = await db.fetch(statement, *convert(arguments))
            except Violation as violation:
                raise constraint_problem(violation, bound.constraints) from None
            finally:
                seconds = time.perf_counter() - began
                query_seconds.record(seconds, labels)
                if logger.isEnabledFor(logging.DEBUG):
                    logger.debug("statement", extra={"fields": {"name": bound.name, "ms": round(seconds * 1000, 1)}})
        if bound.cardinality == "many":
            return [make(row) for row in rows]
        if bound.cardinality == "counted":
            return Counted(rows[0][0], [make(row[1:]) for row in rows if row[1] is not None])
        if bound.cardinality == "none":
            return None
        if rows:
            return make(rows[0])
        if bound.cardinality == "one":
            raise NOT_FOUND
        return None

    async def stream(db: Database, *arguments: object) -> AsyncIterator[Any]:
        began: float | None = time.perf_counter()
        # Not the current span: what the caller does with the rows is not part of it.
        current = tracer.start_span(bound.name, kind=SpanKind.CLIENT, attributes=attributes)
        try:
            async with contextlib.aclosing(fetched(db, statement, *convert(arguments))) as batches:
                async for batch in batches:
                    if began is not None:  # the rest takes as long as the caller
                        query_seconds.record(time.perf_counter() - began, labels)
                        began = None
                    for row in batch:
                        yield make(row)
        except Exception as error:
            mark_failed(current, type(error).__name__)
            raise
        finally:
            current.end()

    bind: Any = stream if bound.cardinality == "stream" else run
    bind.__name__, bind.__doc__, bind.__wrapped__ = function.__name__, function.__doc__, function
    bind.bound = bound
    return bind


def _read(function: Callable[..., Any], constraints: dict[str, type[Problem]], together: bool) -> Bound:
    module = function.__module__.split(".")
    folder = module[0] if module[0] != "api" else module[1]
    name = f"{folder}.{function.__name__}"
    file = FOLDER / folder / f"{function.__name__}.sql"
    try:
        statement = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{name} ({function.__module__}) needs sql/{folder}/{file.name}: {error}") from error
    hints = typing.get_type_hints(function, include_extras=True)
    returned = hints.pop("return", None)
    parameters = list(inspect.signature(function).parameters.values())
    first = hints.pop(parameters[0].name, None) if parameters else None
    if first not in (Database, Transaction, Autocommit):
        raise QueryError(f"{name}: the first parameter must be `db: Database`, or `db: Transaction` where it writes.")
    if first is Database and writes(statement):
        raise QueryError(
            f"{name}: sql/{folder}/{file.name} writes or locks, so the first parameter must be `db: Transaction`; or"
            " `db: Autocommit` where that one statement is complete by itself."
        )
    if first is not Database and not writes(statement):
        raise QueryError(f"{name}: sql/{folder}/{file.name} only reads, so the first parameter must be `db: Database`.")
    if any(p.kind is not p.POSITIONAL_OR_KEYWORD or p.default is not p.empty for p in parameters):
        raise QueryError(f"{name}: parameters are positional and have no defaults; they are $1, $2, … in order.")
    row, cardinality = _cardinality(name, returned)
    if inspect.iscoroutinefunction(function) == (cardinality == "stream"):
        raise QueryError(f"{name}: it is `async def`, or `def` where it answers an AsyncIterator.")
    if together:
        _check_together(name, first, hints, row, cardinality)
    return Bound(name, file, statement, hints, row, cardinality, constraints, first is Transaction, together)


def _check_together(name: str, first: Any, parameters: dict[str, Any], row: Any, cardinality: str) -> None:
    """A key is of UUIDs, because a value that PostgreSQL refuses would fail the other requests of its batch."""
    if first is not Database or set(parameters.values()) != {UUID} or cardinality not in ("one", "maybe"):
        raise QueryError(
            f"{name}: a query with together=True takes `db: Database` and a key of UUIDs, and returns one row, or None."
        )
    fields = msgspec.structs.fields(row) if isinstance(row, type) and issubclass(row, msgspec.Struct) else ()
    if [(field.name, field.type) for field in fields][: len(parameters)] != list(parameters.items()):
        raise QueryError(
            f"{name}: a query with together=True returns its key first: the first fields of"
            f" {getattr(row, '__name__', row)} must be {', '.join(f'`{key}: UUID`' for key in parameters)}."
        )


def _cardinality(name: str, returned: Any) -> tuple[Any, str]:
    if returned is None or returned is type(None):
        return None, "none"
    if typing.get_origin(returned) is list:
        return typing.get_args(returned)[0], "many"
    if typing.get_origin(returned) is Counted:
        return typing.get_args(returned)[0], "counted"
    if typing.get_origin(returned) is AsyncIterator:
        return typing.get_args(returned)[0], "stream"
    if typing.get_origin(returned) in (typing.Union, types.UnionType):
        row, *others = (part for part in typing.get_args(returned) if part is not type(None))
        if others:
            raise QueryError(f"{name}: it must return one row type, optionally with None.")
        return row, "maybe"
    return returned, "one"
