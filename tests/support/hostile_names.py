"""Names and numbers as nobody's telephone sends them: each tries to be more than text somewhere.

The same ones in every run. `FORGED` marks what must never stand at the beginning of a line, a header or a cell of its own.
A byte that is no UTF-8 is a lone surrogate (`surrogateescape`), as Python reads it from a socket.
"""

from __future__ import annotations

import base64
import os
import quopri
import random
from dataclasses import dataclass

from esl_vm.model.message import CallDetails, Caller

FORGED = "X-Forged"
COUNT = 5000
_SEED = 20261127

#: What ends a line somewhere: in mail, in a log, in a terminal, in a CSV, in a browser, in str.splitlines.
LINE_ENDS = ["\r\n", "\n", "\r", "\n\n", "\r\n\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
#: Marks that turn the direction of what follows, and letters that are not seen.
UNSEEN = [
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    *"\u200b\u200c\u200d\ufeff\u00ad",
]
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://x/","y")', "=cmd|'/C calc'!A1", "\t=1+1", "\r=1+1"]
ESCAPES = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]52;c;eA==\x07",
    "\x9b31m",
    "\x1bP+q\x1b\\",
    "\x08\x08\x08",
    "\x7f",
    "\x1b[1A",
]
SWITCH = [
    *("${hangup(x)}", "${system(id)}", "${api(originate x)}", "$${password}", "%{vm_pin}", "$1", "^^:a=b:c=d"),
    *(
        "[a=b]user/1",
        "{origination_uuid=x}",
        "<a=b>",
        "a,b",
        "a|b",
        "a!b",
        "a;b",
        "a:_:b",
        "ARRAY::a|:b",
        "+OK",
        "-ERR",
    ),
    *("Content-Length: 0\n\n", "Event-Name: CHANNEL_HANGUP", "sip:x@y;tag=1", "x\\,y", "'a' 'b'", "file_string://a!b"),
]
MARKUP = [
    "<script>x</script>",
    "</td></tr>",
    "&lt;b&gt;",
    "{{ 7*7 }}",
    "{% raw %}",
    "<!--",
    "]]>",
    "[bold]x[/]",
    "[link=x]y[/link]",
]
STORES = [
    '","a":"',
    "\\u000a",
    "\\",
    '"',
    "'",
    "'; DROP TABLE x; --",
    "\xc0\xaf",
    "\x81\xa1a",
    "*1\r\n$4\r\nPING\r\n",
    "../../x",
]
PERCENT = ["%0A", "%0D%0A", "%00", "%s%n", "%(name)s", "{0}", "{name.__class__}", "%E2%80%AE"]
BYTES = ["\udce9\udcea", "\udcff", "\udc80", "\ud800", "\udfff\ud800", "Ren\udce9", "\udcc3", "\udced\udca0\udc80"]
PLAIN = [
    "",
    " ",
    "Zoé Bélanger",
    'O\'Brien, "Bob"',
    "Лев",
    "山田",
    "مريم",
    "👩‍👩‍👧",
    "e\u0301" * 5,
    "a" * 300,
    "é" * 130,
    "漢" * 200,
]
_HEADERS = [
    f"{FORGED}: yes",
    "Bcc: all@example.com",
    "Reply-To: thief@example.com",
    "Subject: other",
    "Content-Type: text/html",
]


@dataclass(frozen=True, slots=True)
class Hostile:
    """What one caller sends."""

    name: str
    number: str

    @property
    def caller(self) -> Caller:
        """Who it is, as the service keeps it."""
        return Caller(self.number, self.name)

    @property
    def call(self) -> CallDetails:
        """The call, of which everything is hostile."""
        return CallDetails(self.name, self.number, self.number, self.name, self.name)


def hostile_callers(count: int = COUNT) -> list[Hostile]:
    """So many callers, no two with the same name and number."""
    chance = random.Random(_SEED)
    found: dict[Hostile, None] = dict.fromkeys(Hostile(text, text) for text in _every())
    while len(found) < count:
        found[Hostile(_made(chance), _number(chance))] = None
    return list(found)[:count]


def some_hostile_callers() -> list[Hostile]:
    """Every eighth of them; all where ESL_VM_HOSTILE is set, as `make chaos` does."""
    return hostile_callers()[:: 1 if os.environ.get("ESL_VM_HOSTILE") else 8]


def encoded_words(text: str) -> list[str]:
    """RFC 2047 encoded words that say this, as mail software reads them: in B and Q, upper and lower case, in pieces."""
    data = text.encode("utf-8", "surrogatepass")
    quoted = "".join(f"={byte:02x}" for byte in data)
    soft = quopri.encodestring(data, header=True).decode("ascii")
    based = base64.b64encode(data).decode("ascii")
    half = len(data) // 2
    return [
        f"=?utf-8?q?{quoted}?=",
        f"=?UTF-8?Q?{quoted.upper()}?=",
        f"=?us-ascii?q?{soft}?=",
        f"=?utf-8?b?{based}?=",
        f"=?UTF-8?B?{based}?= =?utf-8?b?{based}?=",
        f"=?iso-8859-1*en?q?{quoted}?=",
        f"=?utf-8?b?{base64.b64encode(data[:half]).decode()}?= =?utf-8?b?{base64.b64encode(data[half:]).decode()}?=",
        f"a=?utf-8?q?{quoted}?=b",
        f'"=?utf-8?q?{quoted}?="',
        f"=?utf-8?x?{quoted}?=",
        f"=?nothing?q?{quoted}?=",
        f"=?utf-8?q?{quoted}",
    ]


def _every() -> list[str]:
    """Each kind once by itself."""
    lines = [f"A{end}{header}" for end in LINE_ENDS for header in _HEADERS]
    words = [word for line in lines for word in encoded_words(line)]
    twice = [word for outer in words[:20] for word in encoded_words(outer)]
    marks = [f"Al{mark}ice" for mark in UNSEEN]
    return [*PLAIN, *lines, *words, *twice, *marks, "\x00", "A\x00B", *_KINDS]


_KINDS = [*FORMULAS, *ESCAPES, *SWITCH, *MARKUP, *STORES, *PERCENT, *BYTES]


def _made(chance: random.Random) -> str:
    """Several of them in one name."""
    parts = [chance.choice(_PIECES) for _ in range(chance.randint(1, 6))]
    text = chance.choice(["", " ", ",", "\t"]).join(parts)
    return chance.choice(encoded_words(text)) if chance.random() < 0.25 else text


def _number(chance: random.Random) -> str:
    """A number with something in it."""
    digits = "".join(chance.choice("0123456789") for _ in range(chance.randint(0, 15)))
    at = chance.randint(0, len(digits))
    return digits[:at] + chance.choice(["", "", "+", "@tenantb", "&1002", *_PIECES]) + digits[at:]


_PIECES = [
    *(PLAIN + LINE_ENDS + UNSEEN + _KINDS + _HEADERS + ["\x00", "1001", "Alice"]),
    *(f"{end}{header}" for end in ("\r\n", "\n", "\r") for header in _HEADERS),
    *(word for end in ("\r\n", "\n") for word in encoded_words(f"A{end}{FORGED}: yes")),
]
