"""The crash campaign in its short form; `make chaos` strikes at every point."""

from chaos import campaign
from chaos.campaign import Failure
from support.redis_servers import redis_server

EVERY = 11


def test_whatever_fails_wherever_what_was_announced_holds():
    result = campaign.run(every=EVERY)
    print(result.table())
    assert result.wrong == []
    assert result.points >= 1200 // EVERY
    assert {failure for _, failure in result.struck} == {failure.value for failure in Failure}
    kinds = " ".join(result.kinds)
    assert "event socket" in kinds
    assert "redis" in kinds
    assert "file" in kinds


def test_the_campaign_notices_a_message_that_was_announced_and_is_not_there(monkeypatch):
    call = next(call for call in campaign.CALLS if call.name == "leaving")
    monkeypatch.setitem(campaign._MUST, "leaving", lambda rig, heard: _lose_it(rig) or campaign._left(rig, heard))
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        told = campaign.play(call, Failure.WORKER, 10_000, server)
    assert any("heard saved" in wrong for wrong in told["wrong"])
    assert any("belongs to nothing" in wrong for wrong in told["wrong"])


def _lose_it(rig) -> None:
    """Take the messages out behind the service's back."""
    with rig.real.link.run(None, lambda client: client.pipeline()) as pipe:
        for key in rig.real.link.run(None, lambda client: client.keys("*folder:1001@default*")):
            pipe.delete(key)
        pipe.execute()
