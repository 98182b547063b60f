"""How calls stand that their callers leave: what the hang-up's event says of each. Played on simulated and on real lines."""

from dataclasses import dataclass

from calls.book import IN, LEAVE, OWN, RECORD, Box, Msg, PhoneCall

TWO_KEPT = Box(options={"maxmsg": "1"}, messages=(Msg(),))

ALICE = Box()


@dataclass(frozen=True)
class Standing:
    """A call that its caller leaves, and how it stands then.

    Args:
        name, does: as in the book. status, cause: `vm_status` and `vm_cause` in the hang-up's event.
        named: whether the event has a `vm_message_id`. kept: how many messages there are afterwards.
        dialled: as in the book. box: the mailbox that is called.
    """

    name: str
    does: str
    status: str
    cause: str = ""
    named: bool = False
    kept: int = 0
    dialled: str = "1001"
    box: Box = ALICE

    def call(self) -> PhoneCall:
        """The call, for the book's rigs."""
        own = self.dialled in {OWN, "*98"}
        return PhoneCall(
            self.name,
            "",
            self.dialled,
            self.does,
            "",
            boxes=(self.box,),
            variables={} if own else LEAVE,
            caller="1001" if own else "0612345678",
        )


STANDINGS = (
    Standing("in the greeting", "w:vm-theperson hang", "USEREXIT", "left"),
    Standing("a moment after the tone", "w:beep q:0 s:0.4 hang", "USEREXIT", "too-short", named=True),
    Standing("in the recording", "w:beep talk s:3 hang", "SUCCESS", named=True, kept=1),
    Standing("in the review", RECORD + "hang", "SUCCESS", named=True, kept=1),
    Standing("just after 1", RECORD + "d:1 s:0.3 hang", "SUCCESS", named=True, kept=1),
    Standing("recording again", RECORD + "d:3 w:vm-intro-short hang", "USEREXIT", "left"),
    Standing("told that it was too short", "w:beep q:0 d:# w:vm-tooshort hang", "USEREXIT", "too-short", named=True),
    Standing("told that it is full", "w:vm-mailboxfull hang", "FAILED", "full", kept=1, box=TWO_KEPT),
    Standing("no such mailbox", "w:ss-noservice hang", "FAILED", "unknown", dialled="7777"),
    Standing("asked for the PIN", "w:vm-password hang", "USEREXIT", "left", dialled=OWN),
    Standing("in the main menu", IN + "w:vm-opts hang", "SUCCESS", dialled=OWN),
    Standing(
        "three wrong PINs",
        "w:vm-password d:1111# w:vm-password d:2222# w:vm-password d:3333# w:vm-goodbye hang",
        "FAILED",
        "pin",
        dialled=OWN,
    ),
)
