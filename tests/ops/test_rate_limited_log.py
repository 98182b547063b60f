"""Lines that may come by the thousand: of each kind so many in a minute, then how many more there were."""

import logging

from esl_vm.model.rate_limited_log import RateLimitedLog


def test_kinds_are_counted_apart_whatever_their_arguments(caplog):
    clock = [0.0]
    limited = RateLimitedLog(logging.getLogger("test"), logging.WARNING, most=1, clock=lambda: clock[0])
    for number in range(3):
        limited.log("take %s waits: the disk is full", number)
        limited.log("take %s waits: Redis is away", number)
    clock[0] = 59.9
    limited.log("take %s waits: the disk is full", 3)
    clock[0] = 60.0
    limited.log("take %s waits: the disk is full", 4)
    assert caplog.messages == [
        "take 0 waits: the disk is full",
        "take 0 waits: Redis is away",
        "3 more like the last, within 60 s",
        "take 4 waits: the disk is full",
    ]
