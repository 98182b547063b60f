"""Holding what was heard here against a trace: equal, or different by entries of docs/differences.md, or unexplained."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest

from replay import differences
from replay.differences import Heard, Place, State

INAUDIBLE_S = 0.12
"""A prompt that a key dialled ahead cuts at once was not heard: theirs starts it, ours doesn't."""

BARELY_S = 0.3
"""A key takes 0.1 s and is pressed a little sooner or later; what began within that time is chance."""
LONGEST_MENU = 9
"""Prompts in the longest menu."""
LAST_WORDS = 4
"""Prompts by which one call may be ahead of the other when the caller hangs up."""


@dataclass
class Verdict:
    """How one call compares: the entries that explain it, and what no entry explains."""

    name: str
    entries: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    transcript: str = ""

    @property
    def agrees(self) -> bool:
        """Whether it is equal or explained."""
        return not self.unexplained


def audible(heard: list[Heard]) -> list[Heard]:
    """Without what nobody could hear."""
    return [one for one in heard if one.cut is None or one.cut > INAUDIBLE_S]


def compare(trace, theirs: list[Heard], ours: list[Heard], after: State, wanted: State) -> Verdict:
    """Compare the prompts in their order, then the mailboxes afterwards."""
    verdict = Verdict(trace.name)
    theirs, ours = audible(theirs), audible(ours)
    i = j = 0
    stopped = False
    while i < len(theirs) or j < len(ours):
        if i < len(theirs) and j < len(ours) and same(theirs[i], ours[j]):
            i, j = i + 1, j + 1
            continue
        if i < len(theirs) and barely(theirs[i]):
            i += 1
            continue
        if j < len(ours) and barely(ours[j]):
            j += 1
            continue
        if hung_up(trace) and (i == len(theirs) or j == len(ours)) and len(theirs) - i + len(ours) - j <= LAST_WORDS:
            break
        found = differences.explain(Place(trace, theirs, ours, i, j))
        skip = a_moment_apart(trace, theirs, ours, i, j) if found is None or found.ends else None
        if skip:
            i, j = i + skip[0], j + skip[1]
            continue
        if found is None:
            their = theirs[i].name if i < len(theirs) else "(nothing more)"
            our = ours[j].name if j < len(ours) else "(nothing more)"
            at = theirs[i].at if i < len(theirs) else (theirs[-1].at if theirs else 0.0)
            verdict.unexplained.append(f"at {at:.1f} s: {their} there, {our} here")
            stopped = True
            break
        if found.entry not in verdict.entries:
            verdict.entries.append(found.entry)
        if found.ends:
            stopped = True
            break
        i, j = i + found.theirs, j + found.ours
    if after != wanted:
        entry = differences.explain_state(trace, wanted, after, verdict.entries)
        if entry is not None:
            verdict.entries += [entry] if entry not in verdict.entries else []
        elif not stopped or not verdict.entries or verdict.unexplained:
            verdict.unexplained += state_differences(wanted, after)
    return verdict


def barely(one: Heard) -> bool:
    """Cut so soon after it began that a moment earlier it would not have begun: timing, not behaviour."""
    return one.cut is not None and one.cut <= BARELY_S


def a_moment_apart(trace, theirs: list[Heard], ours: list[Heard], i: int, j: int) -> tuple[int, int] | None:
    """With `q:0` the caller acts when a prompt ends and the next may or may not have begun: how far one is ahead."""
    if "q:0" not in trace.script.split():
        return None
    for skip in range(1, LONGEST_MENU):
        for a, b in ((skip, 0), (0, skip)):
            if i + a < len(theirs) and j + b < len(ours) and same(theirs[i + a], ours[j + b]):
                return a, b
    return None


def hung_up(trace) -> bool:
    """Whether the caller ended the call: what plays in that moment is chance."""
    return any(mark == "~" and words == "caller hangs up" for _, mark, words in trace.marks)


def same(their: Heard, our: Heard) -> bool:
    """The same prompt; a sound of a mailbox is the same if it lasts about as long."""
    if their.is_sound and our.is_sound:
        return abs(their.length - our.length) < 1.5
    return their.name == our.name


def state_differences(wanted: State, after: State) -> list[str]:
    """What lies otherwise than it should, a line each."""
    lines = []
    for key in sorted(set(wanted.folders) | set(after.folders)):
        there, here = wanted.folders.get(key, ()), after.folders.get(key, ())
        for a, b in zip_longest(there, here):
            if a != b:
                lines.append(f"{key}: {a} there, {b} here")
    if wanted.greetings != after.greetings:
        lines.append(f"greetings: {sorted(wanted.greetings)} there, {sorted(after.greetings)} here")
    if wanted.pins != after.pins:
        lines.append(f"PINs: {wanted.pins} there, {after.pins} here")
    return lines
