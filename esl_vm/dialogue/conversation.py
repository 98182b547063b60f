"""What every conversation does: say, ask for a key, ask for digits. Silence, wrong keys and patience are decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from esl_vm.model.call import ALL_KEYS, AnswerPolicy, Cause, Status
from esl_vm.model.errors import AbandonedError, AudioMissingError, SealedError
from esl_vm.model.lists import DistributionList
from esl_vm.model.mailbox import Greeting, Mailbox, MailboxId
from esl_vm.model.message import Counts
from esl_vm.model.units import Milliseconds
from esl_vm.speech.utterance import Pause, Sound
from esl_vm.speech.voice import voice_for

if TYPE_CHECKING:
    from esl_vm.dialogue.world import World
    from esl_vm.model.mailbox import StoredGreeting
    from esl_vm.ports import CallerLine, Phone
    from esl_vm.speech.spoken import Voice
    from esl_vm.speech.utterance import Utterance

DIGITS = "0123456789"


@dataclass(slots=True)
class Conversation:
    """One call: its line, the world, the voice it is spoken in, how it ends for the dialplan, whose mailbox it was in.

    owner: which of the mailbox's several owners is in, by name. brief: menus that were heard are said in short (a mailbox's option of that name). passed: mailboxes it left by an exit.
    """

    _phone: Phone
    world: World
    voice: Voice
    status: Status = Status.USEREXIT
    cause: Cause = Cause.LEFT
    message_id: str = ""
    owner_is_in: bool = False
    owner: str = ""
    answered: bool = False
    handed_over: bool = False
    hurried: bool = False
    box: MailboxId | None = None
    brief: bool = False
    passed: list[MailboxId] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    @property
    def phone(self) -> CallerLine:
        """The caller's line: all of it but playing, which is what `ask`, `skim` and `tell` are for."""
        return self._phone

    def ask(self, utterance: Utterance, wait_ms: Milliseconds = Milliseconds(0), keys: str = ALL_KEYS) -> str | None:
        """Say something that a key answers at any moment; None after `wait_ms` milliseconds of silence."""
        key = self._phone.play(utterance, keys)
        return self.phone.wait_key(wait_ms, keys) if key is None and wait_ms else key

    def offer(
        self, menu: str, whole: Utterance, wait_ms: Milliseconds, *, short: Utterance = (), opening: Utterance = ()
    ) -> str | None:
        """Say a menu and wait for its key; None after `wait_ms` milliseconds of silence.

        Once it was heard to its end in this call it is said in short, until silence (or `forget`) asks for all of it.
        `opening` is said before, in the same breath.
        """
        known = self.brief and menu in self._known
        key = self._phone.play(opening + (short if known else whole), ALL_KEYS)
        if key is None:
            key = self.phone.wait_key(wait_ms, ALL_KEYS)
            (self._known.discard if key is None else self._known.add)(menu)
        return key

    def forget(self, menu: str) -> None:
        """Say all of a menu the next time."""
        self._known.discard(menu)

    def say(self, *names: str) -> None:
        """Say prompts to their end; keys pressed meanwhile are kept for what comes next."""
        self.tell(self.voice.prompt(*names))

    def tell(self, utterance: Utterance) -> None:
        """Say an utterance to its end; keys pressed meanwhile are kept for what comes next."""
        self._phone.play(utterance, "")

    def ask_pin(self, utterance: Utterance, *, stop: str = "#", more: str = "*") -> str:
        """Ask for the digits of a PIN; see `ask_digits`.

        FreeSWITCH writes all keys of a call into its record (`digits_dialed`), unless a filter masks them.
        """
        self.phone.set_variables({"digits_dialed_filter": ".+"})
        return self.ask_digits(utterance, stop=stop, more=more)

    def ask_digits(self, utterance: Utterance, *, stop: str = "#", more: str = "*") -> str:
        """Ask for digits, ended by `stop` or by silence; keys of `more` are taken as digits too. `` if none came."""
        waits = self.world.waits
        keys = DIGITS + more + stop
        typed = ""
        key = self.ask(utterance, waits.first_digit_ms, keys)
        while key is not None and key not in stop:
            typed += key
            key = self.phone.wait_key(waits.next_digit_ms, keys)
        return typed

    def skim(self, utterance: Utterance) -> None:
        """Say an utterance that a key cuts short: # has done its work by that, any other is kept for what comes next."""
        key = self._phone.play(utterance, ALL_KEYS)
        if key not in {None, "#"}:
            self._phone.unread(key)

    def rest(self, milliseconds: int) -> None:
        """Let so much time pass in silence; keys pressed meanwhile are kept for what comes next."""
        self.tell((Pause(milliseconds),))

    def goodbye(self) -> None:
        """Say goodbye; a key cuts it short."""
        self.skim(self.voice.prompt("vm-goodbye"))

    def give_up(self, cause: Cause = Cause.SILENT) -> AbandonedError:
        """Say goodbye to someone who has been silent or wrong too often; raise what this returns."""
        if not self.owner_is_in:
            self.know(Status.FAILED, cause)
        self.goodbye()
        return AbandonedError("the caller was silent or wrong too often")

    @property
    def request(self) -> str:
        """The prompt that asks for a message: in short without "when done hang up or press the pound key"."""
        return "vm-intro-short" if self.brief else "vm-intro"

    @property
    def apology(self) -> Utterance:
        """The words for what can't be done now, and may be later."""
        return self.voice.prompt("im-sorry", "please-try-call-later")

    def apologise(self) -> None:
        """Say that it can't be done now, and that later it may."""
        self.tell(self.apology)

    def know(self, status: Status, cause: Cause = Cause.NONE, message_id: str = "") -> None:
        """Tell the channel now how the call stands, so that it is right in the hang-up's event whenever the caller goes."""
        self.status, self.cause, self.message_id = status, cause, message_id
        self.phone.set_variables(self.standing(status, cause) | {"vm_message_id": message_id})

    @staticmethod
    def standing(status: Status, cause: Cause = Cause.NONE) -> dict[str, str]:
        """The channel variables that say how a call stands."""
        return {"vm_status": status, "vm_cause": cause}

    def answer(self) -> None:
        """Answer the call, unless it is answered."""
        if not self.answered:
            self.answered = True
            self.phone.answer()

    @property
    def answers(self) -> AnswerPolicy:
        """When a caller who leaves a message is answered."""
        named = self.phone.call.variable("vm_answer").strip().lower()
        return AnswerPolicy(named) if named in set(AnswerPolicy) else self.world.answer

    def begin(self) -> None:
        """Tell the channel that the call is in our hands."""
        self.phone.set_variables(
            {"vm_handed_back": "false", **self.standing(self.status, self.cause), "vm_message_id": self.message_id}
        )

    def report(self, **more: str) -> None:
        """Tell the dialplan how the call ended, and that it ended as it should."""
        variables = self.standing(self.status, self.cause) | {"vm_message_id": self.message_id}
        self.phone.set_variables({**variables, "vm_handed_back": "true", **more})

    def hand_over(self, extension: str, context: str = "", **more: str) -> None:
        """Tell the dialplan how it ended, then send the caller on to an extension; the new leg has `more` too."""
        exported = dict.fromkeys([*filter(None, self.phone.call.variable("export_vars").split(",")), *more])
        self.report(**more, **({"export_vars": ",".join(exported)} if more else {}))
        self.handed_over = True
        self.phone.transfer(extension, context)

    def zone(self, mailbox: Mailbox) -> ZoneInfo:
        """The mailbox's time zone; the service's own where it has none, or one that this machine doesn't know."""
        for name in (mailbox.timezone, self.world.timezone):
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
        return ZoneInfo("UTC")

    def speak_in(self, language: str) -> None:
        """Go on in another language; `` changes nothing."""
        if language:
            self.voice = voice_for(language, default=self.voice.language)

    def greeting_of(self, mailbox: Mailbox, kind: Greeting) -> Utterance:
        """A mailbox's recorded greeting as something to say; empty if there is none (or its sound can't be had)."""
        return self._recorded(mailbox.greetings.get(kind), f"greeting {kind} {mailbox.id}")

    def name_of(self, one: Mailbox | DistributionList) -> Utterance:
        """The recorded name of a mailbox or a distribution list, or its number digit by digit."""
        if isinstance(one, DistributionList):
            recorded = self._recorded(one.recorded_name, f"list {one.id}")
        else:
            recorded = self.greeting_of(one, Greeting.NAME)
        return recorded or self.voice.digits(one.id.number)

    def _recorded(self, stored: StoredGreeting | None, label: str) -> Utterance:
        if stored is None or not stored.is_active(self.world.clock.now()):
            return ()
        try:
            path = self.world.audio.playable(stored.audio_id)
        except (AudioMissingError, SealedError):  # a key that is lost keeps no caller from leaving a message
            return ()
        return (Sound(str(path), label),)

    def typed_mailbox(self, number: str, domain: str) -> Mailbox | None:
        """The mailbox of a number that was typed, also where a `+` stands before it, which no telephone has a key for."""
        box, plus = MailboxId.of(number, domain), MailboxId.of(f"+{number}", domain)
        found = self.world.mailboxes.open(box) if box else None
        return found or (self.world.mailboxes.open(plus) if plus and number.isdecimal() else None)

    def operator_for(self, mailbox: Mailbox) -> str:
        """The extension that 0 reaches for callers of this mailbox: the call's, or the mailbox's (its own or the default)."""
        return self.phone.call.variable("vm_operator") or mailbox.options.operator

    def unseen(self, box: MailboxId) -> Mailbox:
        """A mailbox we can't look at now, with the service's defaults."""
        return Mailbox(box, Counts(), options=self.world.defaults)
