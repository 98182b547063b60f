"""All traces at once: how many agree exactly, how many by which entry, which by none."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from replay import play
from replay.compare import Verdict, compare
from replay.differences import Heard
from replay.trace import Trace, read
from support.call_text import call_text
from support.redis_servers import NoRedisError, redis_server
from support.rig import NodeRig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def replay(trace: Trace, folder: Path, redis: str | None = None) -> Verdict:
    """Play one trace against the service behind the simulated node, and compare.

    Args:
        trace: the call.
        folder: an empty one, for what the service keeps on disk.
        redis: URL of an empty Redis; None: fakeredis.
    """
    rig = NodeRig(
        folder,
        now=play.started(trace),
        redis=redis,
        waits=play.waits(trace),
        pin_rules=play.pin_rules(trace),
        defaults=play.options_of(trace),
        listen_keys=play.listen_keys(trace),
        language=trace.language,
    )
    play.furnish(trace, rig, folder / "before")
    start = rig.clock.now()
    rig.ring(play.call_of(trace), trace.script, lambda words: play.arrival(trace, rig, folder, words))
    ours = [Heard(s.at - start, s.name, s.length, s.played if s.cut else None) for s in rig.line.sounds if s.name]
    gone = [at for at, mark, words in trace.marks if mark == "~" and words == "caller hangs up"]
    theirs = [Heard(p.at, p.name, p.length, p.cut) for p in trace.timeline if not gone or p.at < gone[0] - 0.02]
    verdict = compare(trace, merged(theirs), merged(ours), play.state_here(trace, rig), play.wanted_state(trace))
    verdict.transcript = call_text(rig.line)
    rig.close()
    return verdict


def merged(heard: list[Heard]) -> list[Heard]:
    """Jumps in a message make several playbacks of one sound: heard as one."""
    out: list[Heard] = []
    for one in heard:
        if out and one.is_sound and out[-1].name == one.name:
            out[-1] = Heard(out[-1].at, one.name, max(out[-1].length, one.length), one.cut)
        else:
            out.append(one)
    return out


def replay_files(paths: list[Path]) -> list[Verdict]:
    """Play trace files, each in a folder and an empty Redis of its own."""
    verdicts = []
    with _redis() as emptied:
        for path in paths:
            folder = Path(tempfile.mkdtemp(prefix="replay-"))
            try:
                verdicts.append(replay(read(path), folder, emptied()))
            finally:
                shutil.rmtree(folder)
    return verdicts


@contextmanager
def _redis() -> Iterator[Callable[[], str | None]]:
    """What empties a redis-server and tells its URL; where there is none, each call gets a fakeredis of its own (None)."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(redis_server())
        except NoRedisError:
            yield lambda: None
            return
        client = stack.enter_context(server.client())

        def emptied() -> str:
            client.flushall()
            return server.url

        yield emptied


def summary(verdicts: list[Verdict]) -> str:
    """The report: exact, by entry, unexplained."""
    exact = sum(1 for v in verdicts if v.agrees and not v.entries)
    by_entry = Counter(entry for v in verdicts if v.agrees for entry in v.entries)
    lines = [f"{len(verdicts)} calls: {exact} agree exactly,"]
    lines.append(f"{sum(1 for v in verdicts if v.agrees and v.entries)} differ by entries of docs/differences.md:")
    lines += [f"  {count:4} {entry}" for entry, count in by_entry.most_common()]
    unexplained = [v for v in verdicts if not v.agrees]
    lines.append(f"{len(unexplained)} differ without one" + (":" if unexplained else ""))
    for verdict in unexplained:
        lines += [f"  {verdict.name}: {line}" for line in verdict.unexplained]
    return "\n".join(lines)
