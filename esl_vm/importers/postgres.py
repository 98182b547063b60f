"""Rows out of a live PostgreSQL, through psycopg where that is installed (`pip install 'esl-vm[import]'`)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from esl_vm.importers.plan import ImportSourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.importers.postgres_dump import Row


def database_rows(dsn: str, tables: set[str]) -> Iterator[tuple[str, Row]]:
    """Table and row of every table of that name there is, in one read-only transaction, every value as text.

    Args:
        dsn: `postgresql://user@host/database` or what else libpq takes.
        tables: their names, in the search path.

    Raises:
        ImportSourceError: psycopg is not installed, or the database does not answer; its words, never the password.
    """
    try:
        psycopg: Any = importlib.import_module("psycopg")
    except ImportError:
        raise ImportSourceError("--dsn needs psycopg: pip install 'esl-vm[import]'; or use --dump") from None
    try:
        # A database of SQL_ASCII says nothing of its letters, and its texts would be bytes: FusionPBX writes UTF-8.
        given = {"connect_timeout": 10, "application_name": "esl-vm import", "client_encoding": "utf8"}
        with psycopg.connect(dsn, **given) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            for table in sorted(tables):
                yield from _rows(psycopg, connection, table)
    except psycopg.Error as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise ImportSourceError(f"can't read the database: {words[0]}") from None


def _rows(psycopg: Any, connection: Any, table: str) -> Iterator[tuple[str, Row]]:
    there = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    if not there or there[0] is None:
        return
    # a cursor in the database: a table of sounds in base64 does not fit into memory
    with connection.cursor(name="esl_vm_import", row_factory=psycopg.rows.dict_row) as cursor:
        cursor.itersize = 50
        cursor.execute(psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier(table)))
        for row in cursor:
            yield table, {name.lower(): _text(value) for name, value in row.items()}


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)
