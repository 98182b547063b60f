"""FusionPBX's tables, as far as voicemail is concerned, out of a dump or a live database."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from esl_vm.importers.plan import Findings, ImportSourceError
from esl_vm.importers.scratch import Scratch, from_base64

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.importers.postgres_dump import Row

TABLES = {
    "v_domains",
    "v_domain_settings",
    "v_default_settings",
    "v_voicemails",
    "v_voicemail_messages",
    "v_voicemail_greetings",
    "v_voicemail_destinations",
    "v_voicemail_options",
}
_SOUNDS = {
    "v_voicemail_messages": ("message_base64", "message_intro_base64"),
    "v_voicemail_greetings": ("greeting_base64",),
    "v_voicemails": ("voicemail_name_base64",),
}
_SHORTEST = 32
UNREADABLE = "?"
"""Stands in place of a sound whose base64 is none."""


def yes(row: Row, column: str, default: bool) -> bool:
    """A column that says yes or no, as text or boolean; the default where it is empty."""
    word = (row.get(column) or "").strip().lower()
    return default if not word else word in {"t", "true", "1", "yes"}


class FusionTables:
    """The rows. Sounds in base64 were set down in `scratch` while reading, their names stand in their places.

    Args:
        rows: table and row.

    Raises:
        ImportSourceError: there are no mailboxes at all: not such a database.
    """

    def __init__(self, rows: Iterable[tuple[str, Row]], findings: Findings) -> None:
        self.scratch = Scratch()
        self._findings = findings
        self._tables: dict[str, list[Row]] = defaultdict(list)
        for table, row in rows:
            for column in _SOUNDS.get(table, ()):
                row[column] = self._set_down(row.get(column) or "")
            self._tables[table].append(row)
        if not self._tables["v_voicemails"]:
            raise ImportSourceError("no rows of v_voicemails: is this a dump of FusionPBX's database?")
        self.domains = {self.key(row, "domain_uuid"): row.get("domain_name") or "" for row in self.all("v_domains")}
        self.closed_domains = {
            self.key(row, "domain_uuid") for row in self.all("v_domains") if not yes(row, "domain_enabled", True)
        }
        self._settings = self._read_settings()

    def all(self, table: str) -> list[Row]:
        """The rows of a table, in their order."""
        return self._tables[table]

    @staticmethod
    def key(row: Row, column: str) -> str:
        """A uuid of a row, in lower case; `` if it has none."""
        return (row.get(column) or "").strip().lower()

    def setting(self, domain_uuid: str, category: str, subcategory: str) -> str:
        """A setting of a domain, else the default one; `` if neither is there."""
        return self._settings.get((domain_uuid, category, subcategory)) or self._settings.get(
            ("", category, subcategory), ""
        )

    def _read_settings(self) -> dict[tuple[str, str, str], str]:
        settings = {}
        for prefix, table in (("default", "v_default_settings"), ("domain", "v_domain_settings")):
            for row in self.all(table):
                if yes(row, f"{prefix}_setting_enabled", True):
                    names = (row.get(f"{prefix}_setting_{part}") or "" for part in ("category", "subcategory"))
                    owner = self.key(row, "domain_uuid") if prefix == "domain" else ""
                    settings[(owner, *names)] = row.get(f"{prefix}_setting_value") or ""
        return {(key[0], key[1], key[2]): value for key, value in settings.items()}

    def _set_down(self, text: str) -> str:
        """Write a sound to the scratch folder; its name there, `` if there is none."""
        if len(text) <= _SHORTEST:
            return ""
        data = from_base64(re.sub(r"^data:[^,]*,", "", text[:100]) + text[100:])
        return UNREADABLE if data is None else self.scratch.keep(data)
