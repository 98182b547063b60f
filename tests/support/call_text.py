"""A simulated call as text, for a test that failed."""

from esl_vm.sim.heard import Happening, Mark


def call_text(line) -> str:
    """What happened on a `Line`, a line for each, with seconds from its start."""
    return "\n".join(f"{entry.at - line.started_at:9.3f} {_words_of(entry)}" for entry in line.timeline)


def _words_of(entry) -> str:
    if isinstance(entry, Mark):
        return f"{'>' if entry.what is Happening.KEY else '~'} {entry.detail or entry.what.value}" + (
            f" ({entry.what.value})" if entry.detail and entry.what is not Happening.KEY else ""
        )
    name = entry.name or "(silence)"
    cut = f" cut after {entry.played:.2f} s" if entry.cut else ""
    return f"< {name:<26} [{entry.language or '-'} {entry.length:.2f} s]{cut}"


def missing(line) -> list[str]:
    """The paths that were to be played and are not there."""
    return [m.detail for m in line.timeline if isinstance(m, Mark) and m.what is Happening.MISSING]
