"""Prepared UPDATE statements for claiming and ending a job, compiled once per process.

Called by `lease` alone. Django needs several times as long to build such a query as the database
needs to run it (measured). So each query is built on first use, with placeholders for the
values that differ from run to run. The driver's own cursor runs it, which halves the remaining
time, so Django's query log does not contain it. This module uses private interfaces of Django.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, Q
from django.db.models.expressions import Expression
from django.db.models.sql import Query, UpdateQuery

from realtime.models import JobEvent
from realtime.states import EventKind

M = TypeVar("M", bound=Model)

Values = dict[str, Any]
Row = Sequence[Any]
TEXT: Final = "text"
"""The placeholder for the text of the event in the timeline."""


class Placeholder(Expression):
    """A placeholder in a query for a value that differs from run to run."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


@dataclass(frozen=True)
class Statement:
    sql: str  # with the driver's placeholders
    parameters: Sequence[Any]

    def run(self, cursor: Any, values: Values) -> None:
        parameters = [
            values[parameter.name] if isinstance(parameter, Placeholder) else parameter
            for parameter in self.parameters
        ]
        cursor.execute(self.sql, parameters)


@dataclass(frozen=True)
class Compiled(Generic[M]):
    """A prepared update for one kind of database and one set of fields."""

    model: type[M]
    statements: Sequence[Statement]
    to_database: Sequence[tuple[str, Callable[..., Any]]]
    """For each placeholder, the function that converts its value for the database."""
    attributes: Sequence[str]
    """The attributes of the model that the first statement returns."""
    to_python: Sequence[tuple[int, Sequence[Callable[..., Any]], Any]]
    """For a position in the returned row: the converters for Python, and the column."""

    def values(self, values: Values, connection: Any) -> Values:
        return {name: convert(values[name], connection) for name, convert in self.to_database}

    def instance(self, row: Row, connection: Any) -> M:
        values = list(row)
        for position, converters, column in self.to_python:
            for convert in converters:
                values[position] = convert(values[position], column, connection)
        return self.model.from_db(DEFAULT_DB_ALIAS, self.attributes, values)


class PreparedUpdate(Generic[M]):
    """A conditional UPDATE of one job together with its event: both happen, or neither.

    `where` selects the job, with placeholders named after its fields. `fields` are the new values.
    """

    def __init__(self, model: type[M], where: Q, **fields: Any) -> None:
        self._model = model
        self._where = where
        self._fields = fields
        self._compiled: dict[Any, Compiled[M]] = {}

    def execute(self, values: Values, *, text: str, **fields: Any) -> bool:
        """Run the UPDATE; whether a row matched. `fields` are further new values."""
        return bool(self._run(values, fields, text=text, returns_all=False)[1])

    def fetch(self, values: Values, *, text: str, **fields: Any) -> M | None:
        """Run the UPDATE as `execute` does, and return the updated row."""
        compiled, rows = self._run(values, fields, text=text, returns_all=True)
        return compiled.instance(rows[0], connections[DEFAULT_DB_ALIAS]) if rows else None

    def _run(
        self, values: Values, fields: Values, *, text: str, returns_all: bool
    ) -> tuple[Compiled[M], list[Row]]:
        connection = connections[DEFAULT_DB_ALIAS]
        key = (connection.vendor, returns_all, *fields)
        if key not in self._compiled:
            self._compiled[key] = self._compile(connection, values, fields, returns_all=returns_all)
        compiled = self._compiled[key]
        values = compiled.values(values | fields, connection) | {TEXT: text}
        return compiled, _run_statements(compiled.statements, values, connection)

    def _compile(
        self, connection: Any, values: Values, fields: Values, *, returns_all: bool
    ) -> Compiled[M]:
        meta = self._model._meta
        returned: Sequence[Any] = meta.concrete_fields if returns_all else [meta.pk]
        compiler = Query(self._model).get_compiler(DEFAULT_DB_ALIAS)
        columns = [field.get_col(meta.db_table) for field in returned]
        converters = compiler.get_converters(columns)
        field_of: Callable[[str], Any] = meta.get_field
        return Compiled(
            model=self._model,
            statements=self._statements(connection, fields, returned),
            to_database=[(name, field_of(name).get_db_prep_save) for name in (*values, *fields)],
            attributes=[field.attname for field in returned],
            to_python=[(at, functions, column) for at, (functions, column) in converters.items()],
        )

    def _statements(
        self, connection: Any, fields: Values, returned: Sequence[Any]
    ) -> Sequence[Statement]:
        new_values = self._fields | {name: Placeholder(name) for name in fields}
        update, parameters = self._update(connection, new_values, returned)
        event = {"job_id": Placeholder("id"), "kind": EventKind.STATE, "state": new_values["state"]}
        event |= {"text": Placeholder(TEXT), "reason": ""}
        quote = connection.ops.quote_name
        into = f"INSERT INTO {quote(JobEvent._meta.db_table)} ({', '.join(map(quote, event))})"
        values = ", ".join(["%s"] * len(event))
        if connection.vendor == "postgresql":
            # One statement is one round trip, and a transaction of its own.
            insert = f"{into} SELECT {values} FROM updated"  # noqa: S608 - names of the models
            both = f"WITH updated AS ({update}), inserted AS ({insert}) TABLE updated"
            return (Statement(both, [*parameters, *event.values()]),)
        insert = f"{into} VALUES ({values})"
        with connection.cursor() as cursor:
            return (
                Statement(cursor.convert_query(update), parameters),
                Statement(cursor.convert_query(insert), list(event.values())),
            )

    def _update(
        self, connection: Any, new_values: Values, returned: Sequence[Any]
    ) -> tuple[str, Sequence[Any]]:
        query: Any = self._model._base_manager.filter(self._where).query.chain(UpdateQuery)
        query.add_update_values(new_values)
        sql, parameters = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        columns = ", ".join(connection.ops.quote_name(field.column) for field in returned)
        return f"{sql} RETURNING {columns}", parameters


def _run_statements(statements: Sequence[Statement], values: Values, connection: Any) -> list[Row]:
    """Run the first statement, and the others only if it returned a row."""
    first, *others = statements
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with (
        connection.wrap_database_errors,
        closing(_cursor(connection)) as cursor,
        _sqlite_transaction(connection, cursor) if others else nullcontext(),
    ):
        first.run(cursor, values)
        rows: list[Row] = cursor.fetchall()
        for statement in others if rows else ():
            statement.run(cursor, values)
    return rows


def _cursor(connection: Any) -> Any:
    """A cursor of the driver. On PostgreSQL it uses prepared statements if the options allow it."""
    raw = connection.connection
    if getattr(raw, "prepare_threshold", None) is None:
        return raw.cursor()
    from psycopg import Cursor  # noqa: PLC0415 - only where PostgreSQL is used

    return Cursor(raw)


@contextmanager
def _sqlite_transaction(connection: Any, cursor: Any) -> Iterator[None]:
    """A transaction on SQLite, unless one is open."""
    if not connection.get_autocommit():
        yield
        return
    try:
        cursor.execute("BEGIN IMMEDIATE")
        yield
        connection.connection.commit()
    except BaseException:
        connection.connection.rollback()
        raise
