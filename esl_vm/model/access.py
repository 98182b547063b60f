"""Who calls from a mailbox's own telephone: there the first PIN opens, and the dialplan may ask for none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.model.call import Call
    from esl_vm.model.mailbox import MailboxId


def authenticated_user(call: Call) -> str:
    """The account whose password FreeSWITCH checked for this call; `` where it checked none.

    An outgoing leg carries under that name what it logged in with elsewhere: that proves nothing here.
    """
    return "" if call.variable("direction") == "outbound" else call.variable("sip_auth_username")


def is_own_telephone(call: Call, box: MailboxId, accounts: Iterable[str], *, vouched: bool) -> bool:
    """Whether a call comes from the mailbox's own telephone.

    Its own is the telephone that FreeSWITCH authenticated as the mailbox's number or one of its accounts. What the From
    header says is anybody's choice and proves nothing: a mailbox that was named by it is its own telephone's only where
    no other user was authenticated.

    Args:
        call: what FreeSWITCH tells of it: `sip_auth_username`, `sip_auth_realm`, `sip_from_user`, `sip_from_host`.
        box: the mailbox.
        accounts: others that belong to it (its `extensions`), with or without `@host`.
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
