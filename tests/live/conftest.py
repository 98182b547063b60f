"""The live tests run when asked for (`make live`), where there is a FreeSWITCH; `make test` leaves them out."""

import statistics

import pytest
from gevent import monkey
from live.freeswitch import why_not
from live.live_node import LiveNode
from live.scenes import Stage
from notify.smtp_peer import post_office

EVIDENCE, HOLES = pytest.StashKey[list](), pytest.StashKey[int]()


def pytest_collection_modifyitems(config, items):
    if "not live" not in config.option.markexpr and (reason := why_not()):
        for item in items:
            if "live_node" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def live_node(tmp_path_factory):
    """FreeSWITCH with our dialplan, and the service it names."""
    # Telephones run in a thread of their own; as a greenlet theirs would wait for whatever a test computes.
    assert not monkey.is_module_patched("threading"), "these tests run by themselves: pytest -m live tests/live"
    with post_office() as post:
        mail = f'[mail]\nhost = "127.0.0.1"\nport = {post.port}\nsecurity = "none"\nsender = "vm@pbx.example.com"\n'
        node = LiveNode(tmp_path_factory.mktemp("node"), settings=mail)
        yield node
        node.close()
    assert not node.loop.errors, "\n".join(node.loop.errors)


@pytest.fixture(scope="session")
def stage(request, live_node, tmp_path_factory):
    """Every scene a test of this run looks at, begun."""
    scenes = [item.callspec.params["scene"] for item in request.session.items if "played" in item.fixturenames]
    stage = Stage(live_node, tmp_path_factory.mktemp("scenes"), scenes)
    yield stage
    stage.close()


@pytest.fixture
def played(scene, stage):
    """What the test's scene came to."""
    return stage.played(scene)


@pytest.fixture
def evidence_of(request):
    """Gives a line's evidence; told of at the end of the run."""
    stash = request.config.stash

    def collect(line):
        evidence = line.evidence()
        stash.setdefault(EVIDENCE, []).extend(evidence)
        stash[HOLES] = stash.get(HOLES, 0) + line.holes
        return evidence

    return collect


def pytest_terminal_summary(terminalreporter, config):
    evidence = config.stash.get(EVIDENCE, [])
    if not evidence:
        return
    scores = sorted(one.score for one in evidence)
    terminalreporter.section("what was heard")
    terminalreporter.line(
        f"{len(scores)} sounds, {sum(one.seconds for one in evidence):.0f} s of them, compared with what should be "
        f"heard: likeness at least {scores[0]:.4f}, median {statistics.median(scores):.4f}"
    )
    terminalreporter.line(f"so busy was the machine: FreeSWITCH left out a frame {config.stash[HOLES]} times")
    for listed, what in ((False, "one file"), (True, "several files")):
        waits = sorted(one.after_key_s * 1000 for one in evidence if one.after_key_s and one.listed is listed)
        if waits:
            terminalreporter.line(
                f"from a key's release to the first sample of {what}: median {statistics.median(waits):.0f} ms, "
                f"95 % within {waits[len(waits) * 95 // 100]:.0f} ms, longest {waits[-1]:.0f} ms ({len(waits)} keys)"
            )
