"""Whom a call's facts speak for: which of them the dialplan chose, and which anybody may have chosen.

From a mailbox's own telephone the first PIN opens, and the dialplan may have no PIN asked. A domain, and a list of
mailboxes, are the dialplan's to name; in a number that somebody dials, or calls from, `@` and `&` are text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.model.call import Call
    from esl_vm.model.mailbox import MailboxId


_NUMBERS = ("sip_from_user", "sip_to_user", "sip_req_user", "dialed_user", "effective_caller_id_number")


def is_strangers_word(call: Call, text: str) -> bool:
    """Whether a text is a number that was dialled or called from, or a part of one: the dialplan only handed it on."""
    numbers = (call.caller.number, call.destination, *map(call.variable, _NUMBERS))
    return any(text in number for number in numbers)


def named_domain(call: Call) -> str:
    """The mailboxes' domain that a call names, `` where it names none; in small letters.

    An outgoing leg has no `domain_name`: its domain is that of the user it rang.
    """
    named = call.variable("vm_domain") or call.variable("domain_name")
    if not named and call.variable("direction") == "outbound":
        named = call.variable("dialed_domain")
    return named.lower()


def authenticated_user(call: Call) -> str:
    """The account whose password FreeSWITCH checked for this call; `` where it checked none.

    An outgoing leg carries under that name what it logged in with elsewhere: that proves nothing here.
    """
    return "" if call.variable("direction") == "outbound" else call.variable("sip_auth_username")


def is_internal(call: Call) -> bool:
    """Whether a call comes from a telephone of this system: the dialplan says so (`vm_caller`), or FreeSWITCH authenticated it."""
    said = call.variable("vm_caller").strip().lower()
    return said == "internal" if said in {"internal", "external"} else bool(authenticated_user(call))


def is_own_telephone(call: Call, box: MailboxId, accounts: Iterable[str], *, vouched: bool) -> bool:
    """Whether a call comes from the mailbox's own telephone.

    Its own is the telephone that FreeSWITCH authenticated as the mailbox's number or one of its accounts. What the From
    header says is anybody's choice and proves nothing: a mailbox that was named by it is its own telephone's only where
    no other user was authenticated.

    Args:
        call: what FreeSWITCH tells of it: `sip_auth_username`, `sip_auth_realm`, `sip_from_user`, `sip_from_host`.
        box: the mailbox.
        accounts: others that belong to it (its `extensions` and `aliases`), with or without `@host`.
        vouched: the dialplan says so (`vm_action=check`).
    """
    user = authenticated_user(call)
    if not user:
        return vouched
    realm = call.variable("sip_auth_realm").lower()
    if realm and realm != box.domain.lower() == call.variable("sip_from_host").lower():
        return False
    if {user, f"{user}@{realm}"} & {box.number, *accounts}:
        return True
    return vouched and box.number not in {call.caller.number, call.variable("sip_from_user")}
