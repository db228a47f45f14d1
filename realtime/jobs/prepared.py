"""The moves that every run of a task makes, as SQL that Django has compiled once.

To build such a query takes Django several times as long as it takes the database to run it
(measured). So each is built on first use, with slots for what differs from run to run, and kept.
They are run by the driver's own cursor, which halves the rest: Django's log of queries does not
have them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db import connections
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import Expression
from django.db.models.sql import Query, UpdateQuery

from realtime.models import JobEvent
from realtime.states import EventKind

M = TypeVar("M", bound=Model)

Values = dict[str, Any]
Row = Sequence[Any]

TEXT: Final = "text"
"""The slot for the sentence of the timeline."""


class Slot(Expression):
    """Stands in a query for a value that each run of it gives."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


@dataclass(frozen=True)
class Statement:
    sql: str
    """With the driver's placeholders."""
    parameters: Sequence[Any]

    def run(self, cursor: Any, values: Values) -> None:
        filled = [values[each.name] if isinstance(each, Slot) else each for each in self.parameters]
        cursor.execute(self.sql, filled)


@dataclass(frozen=True)
class Compiled:
    """A move for one kind of database and one set of fields."""

    statements: Sequence[Statement]
    prepared: Sequence[tuple[str, Callable[..., Any]]]
    """What makes the value of each slot one for the database."""
    attributes: Sequence[str]
    """The job's, which the first statement returns."""
    converters: Sequence[tuple[int, Sequence[Callable[..., Any]], Any]]
    """What makes the returned value at this position one for Python."""

    def values(self, given: Values, connection: Any) -> Values:
        return {name: prepare(given[name], connection) for name, prepare in self.prepared}

    def instance(self, rows: QuerySet[M], row: Row, connection: Any) -> M:
        values = list(row)
        for position, converters, column in self.converters:
            for convert in converters:
                values[position] = convert(values[position], column, connection)
        return rows.model.from_db(rows.db, self.attributes, values)


class PreparedUpdate:
    """One conditional UPDATE of one job, and its line in the timeline: both or neither.

    `where` says which job, by slots that are named after its fields; `fields` what it becomes.
    """

    def __init__(self, where: Q, **fields: Any) -> None:
        self._where = where
        self._fields = fields
        self._compiled: dict[Any, Compiled] = {}

    def make(self, rows: QuerySet[M], which: Values, *, text: str, **fields: Any) -> bool:
        """Whether there was such a job; `which` fills the slots, `fields` are set besides."""
        connection = connections[rows.db]
        compiled = self._for(rows, connection, which, fields, loads=False)
        return bool(_run(compiled, connection, which | fields, text=text))

    def take(self, rows: QuerySet[M], which: Values, *, text: str, **fields: Any) -> M | None:
        """As `make`, but returns the job as it has become."""
        connection = connections[rows.db]
        compiled = self._for(rows, connection, which, fields, loads=True)
        returned = _run(compiled, connection, which | fields, text=text)
        return compiled.instance(rows, returned[0], connection) if returned else None

    def _for(
        self, rows: QuerySet[M], connection: Any, which: Values, fields: Values, *, loads: bool
    ) -> Compiled:
        key = (connection.vendor, loads, *fields)
        if key not in self._compiled:
            self._compiled[key] = self._compile(rows, connection, which, fields, loads=loads)
        return self._compiled[key]

    def _compile(
        self, rows: QuerySet[M], connection: Any, which: Values, fields: Values, *, loads: bool
    ) -> Compiled:
        meta, table = rows.model._meta, rows.model._meta.db_table
        returned: Sequence[Any] = meta.concrete_fields if loads else [meta.pk]
        compiler = Query(rows.model).get_compiler(rows.db)
        converters = compiler.get_converters([field.get_col(table) for field in returned])
        field_of: Callable[[str], Any] = meta.get_field
        return Compiled(
            statements=self._statements(rows, connection, fields, returned),
            prepared=[(name, field_of(name).get_db_prep_save) for name in (*which, *fields)],
            attributes=[field.attname for field in returned],
            converters=[(at, made, column) for at, (made, column) in converters.items()],
        )

    def _statements(
        self, rows: QuerySet[M], connection: Any, fields: Values, returned: Sequence[Any]
    ) -> Sequence[Statement]:
        quote = connection.ops.quote_name
        becomes = self._fields | {name: Slot(name) for name in fields}
        query: Any = rows.model._base_manager.filter(self._where).query.chain(UpdateQuery)
        query.add_update_values(becomes)
        sql, parameters = query.get_compiler(rows.db).as_sql()
        columns = ", ".join(quote(field.column) for field in returned)
        update = f"{sql} RETURNING {columns}"
        line = {"job_id": Slot("id"), "kind": EventKind.STATE, "state": becomes["state"]}
        line |= {"text": Slot(TEXT), "reason": ""}
        into = f"INSERT INTO {quote(JobEvent._meta.db_table)} ({', '.join(map(quote, line))})"
        values = ", ".join(["%s"] * len(line))
        if connection.vendor == "postgresql":
            # One statement is one round trip, and a transaction of its own.
            note = f"{into} SELECT {values} FROM moved"  # noqa: S608 - all names are the models'
            both = f"WITH moved AS ({update}), noted AS ({note}) TABLE moved"
            return (Statement(both, [*parameters, *line.values()]),)
        with connection.cursor() as cursor:
            return (
                Statement(cursor.convert_query(update), parameters),
                Statement(cursor.convert_query(f"{into} VALUES ({values})"), list(line.values())),
            )


def _run(compiled: Compiled, connection: Any, given: Values, *, text: str) -> list[Row]:
    values = compiled.values(given, connection) | {TEXT: text}
    first, *others = compiled.statements
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with (
        connection.wrap_database_errors,
        closing(_cursor(connection)) as cursor,
        _transaction(connection, cursor) if others else nullcontext(),
    ):
        first.run(cursor, values)
        rows: list[Row] = cursor.fetchall()
        for statement in others if rows else ():
            statement.run(cursor, values)
    return rows


def _cursor(connection: Any) -> Any:
    """On PostgreSQL one that has the server keep what it runs often, parsed and planned.

    If the connection allows it: Django's default for `prepare_threshold` is never.
    """
    raw = connection.connection
    if getattr(raw, "prepare_threshold", None) is None:
        return raw.cursor()
    from psycopg import Cursor  # noqa: PLC0415 - only where there is a PostgreSQL

    return Cursor(raw)


@contextmanager
def _transaction(connection: Any, cursor: Any) -> Iterator[None]:
    """One of SQLite's, unless there is one already."""
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
