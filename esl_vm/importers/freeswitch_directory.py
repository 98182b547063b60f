"""FreeSWITCH's user directory: who has which mailbox. A user's settings come before the group's before the domain's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.importers.freeswitch_xml import FreeswitchXml
from esl_vm.importers.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True)
class User:
    """A user with the settings that hold for him (names in lower case; the last of several counts, as in FreeSWITCH).

    Args:
        id: the mailbox's number. domain: its domain. aliases: other numbers that mean it.
        params: `vm-password`, `vm-mailto` … variables: `effective_caller_id_name`, `timezone` …
    """

    id: str
    domain: str
    aliases: tuple[str, ...] = ()
    params: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


class FreeswitchDirectory(FreeswitchXml):
    """All users of a directory."""

    def users(self) -> Iterator[User]:
        """Every user who is not a mere pointer; the first of several with the same id in a domain."""
        seen: dict[tuple[str, str], None] = {}
        for tree in self.trees:
            for domain in tree.iter("domain"):
                name = domain.get("name", "")
                for user in self._users(domain, name):
                    key = (user.domain, user.id)
                    if key in seen:
                        why = "defined again; the first one counts"
                        self._findings.item(Kind.CONFIGURATION_DUPLICATE, f"{user.id}@{name}", why)
                    else:
                        seen[key] = None
                        yield user

    def _users(self, domain: ET.Element, name: str) -> Iterator[User]:
        places = [(group, users) for group in domain.findall("./groups/group") for users in group.findall("users")]
        everyone: list[tuple[ET.Element | None, ET.Element]] = [
            (group, user) for group, users in places for user in users.findall("user")
        ]
        everyone += [(None, user) for users in domain.findall("users") for user in users.findall("user")]
        everyone += [(None, user) for user in domain.findall("user")]
        for group, user in everyone:
            number = user.get("id", "").strip()
            if number and user.get("type", "").lower() != "pointer":
                above = [element for element in (user, group, domain) if element is not None]
                alias = user.get("number-alias", "").strip()
                yield User(
                    id=number,
                    domain=name,
                    aliases=(alias,) if alias else (),
                    params=_merged(above, "params", "param"),
                    variables=_merged(above, "variables", "variable"),
                )


def _merged(above: list[ET.Element], container: str, tag: str) -> dict[str, str]:
    """Settings by name, those of the user before those of group and domain."""
    merged: dict[str, str] = {}
    for element in reversed(above):
        for holder in element.findall(container):
            merged.update(
                {one.get("name", "").lower(): one.get("value", "") for one in holder.findall(tag) if one.get("name")}
            )
    return merged
