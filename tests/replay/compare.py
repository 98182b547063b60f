"""Holding what was heard here against a trace: equal, or different by entries of docs/differences.md, or unexplained."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest

from replay import differences
from replay.differences import Heard, Place, State

INAUDIBLE_S = 0.12
"""A prompt that a key dialled ahead cuts at once was not heard: theirs starts it, ours doesn't."""


@dataclass
class Verdict:
    """How one call compares: the entries that explain it, and what no entry explains."""

    name: str
    entries: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

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
        place = Place(trace, theirs, ours, i, j)
        found = differences.explain(place)
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
