"""The store taken away: the ports as they are, behind a switch that makes all of them fail as without Redis."""

from __future__ import annotations

from esl_vm.model.errors import StoreDownError


class Away:
    """The switch: while `down` is true, every port that was handed out by `behind` raises StoreDownError."""

    def __init__(self) -> None:
        self.down = False

    def behind(self, port) -> BehindAway:
        """That port, as long as it is not away."""
        return BehindAway(self, port)


class BehindAway:
    """A port whose every method asks the switch first."""

    def __init__(self, switch: Away, port) -> None:
        self._switch = switch
        self._port = port

    def __getattr__(self, name):
        method = getattr(self._port, name)

        def ask(*args, **named):
            if self._switch.down:
                raise StoreDownError("Redis does not answer")
            return method(*args, **named)

        return ask
