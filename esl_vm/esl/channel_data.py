"""A call as FreeSWITCH describes it in its reply to `connect`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from esl_vm.esl.wire import headers_named
from esl_vm.model.call import Call
from esl_vm.model.message import Caller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.esl.wire import Frame

_VARIABLE_HEADER = "variable_"
_ABOUT_A_CALL = (
    "FreeSWITCH-Hostname",
    "Unique-ID",
    "Answer-State",
    "Caller-Caller-ID-Name",
    "Caller-Caller-ID-Number",
    "Caller-Destination-Number",
    "Caller-RDNIS",
    "Caller-Privacy-Hide-Name",
    "Caller-Privacy-Hide-Number",
)
# A caller without a number, and one without a name, as FreeSWITCH fills them in (switch_caller.c, switch_ivr_originate.c).
_NO_NUMBER = "0000000000"
_NO_NAMES = frozenset({_NO_NUMBER, "Outbound Call"})
# A quote in a quoted name of SIP (RFC 3261, quoted-pair).
_QUOTED_PAIR = re.compile(r'\\(["\\])')


# mod_voicemail's variables that mean the same as ours (mod_voicemail.c): whoever's dialplan sets them goes on doing so.
MOD_VOICEMAIL = {
    "skip_greeting": "vm_skip_greeting",
    "skip_instructions": "vm_skip_instructions",
    "voicemail_greeting_number": "vm_greeting",
    "voicemail_authorized": "vm_skip_pin",
    "vm_operator_extension": "vm_operator",
}

# Channel variables kept in `Call.variables`, besides all that begin with `vm_`. A call has a hundred others; keeping them all would
# double what it costs in memory.
VARIABLES = (
    *("domain_name", "default_language", "effective_caller_id_name", "effective_caller_id_number", "dialed_user"),
    *("direction", "sip_auth_username", "sip_auth_realm", "sip_from_user", "sip_from_host"),
    *("sip_to_user", "sip_req_user", "dialed_domain", "export_vars"),
    *("sip_call_id", "sip_h_Diversion", "sip_history_info"),
    *MOD_VOICEMAIL,
)
# FreeSWITCH names a variable as the telephone spelled the header, whose name may be in capitals or not (sofia.c: un_name).
_SIP_HEADER = f"{_VARIABLE_HEADER}sip_h_"
_HEADERS = [_VARIABLE_HEADER + name for name in VARIABLES]
_WANTED = headers_named(
    (*_ABOUT_A_CALL, *(name for name in _HEADERS if not name.startswith(_SIP_HEADER))),
    f"{_VARIABLE_HEADER}vm_",
    [name for name in _HEADERS if name.startswith(_SIP_HEADER)],
)
_SPELLED = {name.lower(): name for name in VARIABLES}


def call_of(frame: Frame) -> Call:
    """The call as the reply to `connect` describes it."""
    found = frame.several(_WANTED)
    names = ((name, name.removeprefix(_VARIABLE_HEADER)) for name in found if name.startswith(_VARIABLE_HEADER))
    variables = {_SPELLED.get(name.lower(), name): found[header] for header, name in names}
    for theirs, ours in MOD_VOICEMAIL.items():
        if theirs in variables and not variables.get(ours):
            variables[ours] = variables[theirs].partition(" ")[0]  # an extension, without its dialplan and context
    said = found.get
    return Call(
        uuid=said("Unique-ID", ""),
        caller=_caller(found, variables),
        destination=said("Caller-Destination-Number", ""),
        variables=variables,
        answered=said("Answer-State") == "answered",
        node=said("FreeSWITCH-Hostname", ""),
        rdnis=said("Caller-RDNIS", ""),
    )


def _caller(found: Mapping[str, str], variables: Mapping[str, str]) -> Caller:
    """Who calls: what the dialplan or the directory put in its place (`effective_caller_id_…`) counts, unless hidden."""
    said = found.get
    hidden = said("Caller-Privacy-Hide-Number") == "true"
    nameless = hidden or said("Caller-Privacy-Hide-Name") == "true"
    number = variables.get("effective_caller_id_number") or said("Caller-Caller-ID-Number", "")
    name = variables.get("effective_caller_id_name") or said("Caller-Caller-ID-Name", "")
    name = _QUOTED_PAIR.sub(r"\1", name)
    return Caller("" if hidden or number == _NO_NUMBER else number, "" if nameless or name in _NO_NAMES else name)
