"""What a switch promises is kept by the event socket and by the FreeSWITCH that the notifier's tests write down what it is told."""

import pytest
from notify_cast import WrittenSwitch
from support.neighbour import Manner
from support.switch_neighbour import SwitchNeighbour
from support.waiting import PATIENCE_S

from esl_vm.esl.inbound import EventSocketSwitch, SwitchSettings
from esl_vm.model.errors import SwitchDownError


class OverTheSocket:
    def __init__(self) -> None:
        self.peer = SwitchNeighbour()
        self.port = EventSocketSwitch(SwitchSettings(port=self.peer.port, password="x"))
        self.port.start()
        assert self.port.wait_connected(PATIENCE_S)

    def goes_away(self):
        self.peer.manners["connect"] = Manner.DROP
        self.peer.manners["api"] = Manner.DROP
        with pytest.raises(SwitchDownError):
            self.port.api("status")

    def fired(self):
        return len(self.peer.fired)

    def close(self):
        self.port.close()
        self.peer.close()


class Written:
    def __init__(self) -> None:
        self.port = WrittenSwitch(api={"status": "ok"})

    def goes_away(self):
        self.port.connected = False

    def fired(self):
        return len(self.port.fired)

    def close(self):
        pass


@pytest.fixture(params=[OverTheSocket, Written])
def switch(request):
    made = request.param()
    yield made
    made.close()


def test_what_is_fired_and_asked_arrives(switch):
    assert switch.port.fire("MESSAGE_WAITING", {"MWI-Messages-Waiting": "no"}) is True
    assert switch.port.fire("CUSTOM", {"VM-Action": "mwi-update"}, "vm::maintenance") is True
    assert switch.fired() == 2
    assert switch.port.api("status") == "ok"


def test_events_begin_with_the_news_that_all_is_to_be_looked_at_anew(switch):
    events = switch.port.events(["MESSAGE_QUERY"])
    assert next(events) == {}
    events.close()


def test_one_that_is_away_is_told_nothing_and_says_so(switch):
    switch.goes_away()
    assert switch.port.fire("MESSAGE_WAITING", {"MWI-Messages-Waiting": "no"}) is False
    with pytest.raises(SwitchDownError):
        switch.port.api("status")
