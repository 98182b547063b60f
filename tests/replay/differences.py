"""Why a call here may differ from the same call to Comedian Mail: one rule for each entry of docs/differences.md.

A rule looks at the first place where the two calls part. It says by which entry they do, and either where they meet
again (how many prompts to pass over on each side) or that from there on they are two different calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heard:
    """A prompt or sound as heard: when, its name (`<…>` for a mailbox's sound), its length, and where a key cut it."""

    at: float
    name: str
    length: float
    cut: float | None = None

    @property
    def is_sound(self) -> bool:
        """Whether it is a message, a greeting or a recorded name."""
        return self.name.startswith("<")


@dataclass
class State:
    """Mailboxes afterwards: (box, folder) to (caller, seconds, urgent) in order; greetings there are; PINs that open."""

    folders: dict[tuple[str, str], tuple] = field(default_factory=dict)
    greetings: set[tuple[str, str]] = field(default_factory=set)
    pins: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where the two calls part."""

    trace: object
    theirs: list[Heard]
    ours: list[Heard]
    i: int
    j: int

    def their(self, ahead: int = 0) -> str:
        """Their prompt here, or so many further on."""
        return self.theirs[self.i + ahead].name if 0 <= self.i + ahead < len(self.theirs) else ""

    def our(self, ahead: int = 0) -> str:
        """Our prompt here, or so many further on."""
        return self.ours[self.j + ahead].name if 0 <= self.j + ahead < len(self.ours) else ""


@dataclass(frozen=True)
class Found:
    """By which entry they differ; pass over so many prompts on each side, or `ends`: two different calls from here."""

    entry: str
    theirs: int = 0
    ours: int = 0
    ends: bool = False


def explain(place: Place) -> Found | None:
    """The first rule that explains it."""
    for rule in RULES:
        found = rule(place)
        if found is not None:
            return found
    return None


def explain_state(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """The entry by which the mailboxes differ afterwards."""
    for rule in STATE_RULES:
        entry = rule(trace, wanted, after, entries)
        if entry is not None:
            return entry
    return None


RULES: list = []
STATE_RULES: list = []
