"""The moves that every run of a task makes, as SQL that Django has compiled once.

To build such a query takes Django several times as long as it takes the database to run it
(measured). So each is built on first use, with slots for what differs from run to run, and kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import Expression
from django.db.models.sql import Query, UpdateQuery

from realtime.events import JobEvent
from realtime.states import EventKind

if TYPE_CHECKING:
    from realtime.models import Job

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
    parameters: Sequence[Any]

    def run(self, connection: Any, values: Values) -> list[Row]:
        filled = [values[each.name] if isinstance(each, Slot) else each for each in self.parameters]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, filled)
            return list(cursor.fetchall()) if cursor.description else []


class Move:
    """One conditional UPDATE of one job, and its line in the timeline: both or neither.

    `where` says which job, by slots that are named after its fields; `fields` what it becomes.
    """

    def __init__(self, where: Q, **fields: Any) -> None:
        self._where = where
        self._fields = fields
        self._compiled: dict[Any, tuple[Statement, ...]] = {}

    def make(self, jobs: "QuerySet[Job]", which: Values, *, text: str, **fields: Any) -> bool:
        """Whether there was such a job; `which` fills the slots, `fields` are set besides."""
        return bool(self._run(jobs, which, text, fields, returned=["id"]))

    def take(
        self, jobs: "QuerySet[Job]", which: Values, *, text: str, **fields: Any
    ) -> "Job | None":
        """As `make`, but returns the job as it has become."""
        columns = [str(field.column) for field in jobs.model._meta.concrete_fields]
        rows = self._run(jobs, which, text, fields, returned=columns)
        return _loaded(jobs, rows[0]) if rows else None

    def _run(
        self,
        jobs: "QuerySet[Job]",
        which: Values,
        text: str,
        fields: Values,
        *,
        returned: Sequence[str],
    ) -> list[Row]:
        connection = connections[jobs.db]
        key = (connection.vendor, len(returned), *fields)
        statements = self._compiled.get(key)
        if statements is None:
            statements = self._compile(jobs, fields, returned)
            self._compiled[key] = statements
        field: Callable[[str], Any] = jobs.model._meta.get_field
        values = {
            name: field(name).get_db_prep_save(value, connection)
            for name, value in (which | fields).items()
        }
        values[TEXT] = text
        if len(statements) == 1:
            return statements[0].run(connection, values)
        update, note = statements
        with transaction.atomic(jobs.db, savepoint=False):
            if rows := update.run(connection, values):
                note.run(connection, values)
        return rows

    def _compile(
        self, jobs: "QuerySet[Job]", fields: Values, returned: Sequence[str]
    ) -> tuple[Statement, ...]:
        connection = connections[jobs.db]
        quote = connection.ops.quote_name
        becomes = self._fields | {name: Slot(name) for name in fields}
        query: Any = jobs.model._base_manager.filter(self._where).query.chain(UpdateQuery)
        query.add_update_values(becomes)
        sql, parameters = query.get_compiler(jobs.db).as_sql()
        columns = ", ".join(map(quote, returned))
        update = Statement(f"{sql} RETURNING {columns}", parameters)
        line = {"job_id": Slot("id"), "kind": EventKind.STATE, "state": becomes["state"]}
        line |= {"text": Slot(TEXT), "reason": ""}
        into = f"INSERT INTO {quote(JobEvent._meta.db_table)} ({', '.join(map(quote, line))})"
        values = ", ".join(["%s"] * len(line))
        if connection.vendor != "postgresql":
            return update, Statement(f"{into} VALUES ({values})", list(line.values()))
        # One statement is one round trip, and a transaction of its own.
        note = f"{into} SELECT {values} FROM moved"  # noqa: S608 - all names are the models'
        both = f"WITH moved AS ({update.sql}), noted AS ({note}) TABLE moved"
        return (Statement(both, [*parameters, *line.values()]),)


def _loaded(jobs: "QuerySet[Job]", row: Row) -> "Job":
    model = jobs.model
    compiler = Query(model).get_compiler(jobs.db)
    converters = compiler.get_converters(_converted(model, jobs.db))
    (values,) = compiler.apply_converters([row], converters)
    return model.from_db(jobs.db, [field.attname for field in model._meta.concrete_fields], values)


@cache
def _converted(model: "type[Job]", alias: str) -> list[Any]:
    """The columns of `model`, those left out (None) whose values a driver gives as they are."""
    columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
    converters = Query(model).get_compiler(alias).get_converters(columns)
    return [column if place in converters else None for place, column in enumerate(columns)]
