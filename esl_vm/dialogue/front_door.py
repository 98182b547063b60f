"""Where every call comes in: what the dialplan asks for, and what it is told at the end (design: channel variables)."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from esl_vm.dialogue.addressees import Addressees, addressees
from esl_vm.dialogue.conversation import Conversation
from esl_vm.dialogue.directory import directory
from esl_vm.dialogue.exits import LeftFor
from esl_vm.dialogue.leaving import Reason, leave, no_such_mailbox
from esl_vm.dialogue.login import NotTheOwnerError, ask_mailbox, domain_of, own_mailbox
from esl_vm.dialogue.main_menu import visit_mailbox
from esl_vm.dialogue.notice_call import notice_call
from esl_vm.model.access import authenticated_user, is_strangers_word, named_domain
from esl_vm.model.call import Action, AnswerPolicy, Cause, Status
from esl_vm.model.errors import (
    AbandonedError,
    CallerGoneError,
    InvalidValueError,
    LineError,
    SpoolError,
    StoreDownError,
    VoicemailError,
    WireError,
)
from esl_vm.model.mailbox import MailboxId
from esl_vm.speech.voice import voice_for

if TYPE_CHECKING:
    from esl_vm.dialogue.world import World
    from esl_vm.model.call import Call
    from esl_vm.model.store import Entered
    from esl_vm.ports import Phone

log = logging.getLogger(__name__)

NUMBERS = {"*97": Action.CHECK, "*98": Action.LOGIN, "*411": Action.DIRECTORY}
ASK_MAILBOX = "ask"


def answer_call(phone: Phone, world: World) -> Conversation:
    """Hold the whole conversation with a caller; never raises what a caller, Redis or a full disk can cause.

    Returns:
        The conversation as it ended: its status and message id, as the dialplan was told.
    """
    call = phone.call
    language = call.variable("vm_language") or call.variable("default_language")
    talk = Conversation(phone, world, voice_for(language, default=world.language), brief=world.defaults.brief)
    try:
        talk.begin()
        if action_of(call) is not Action.LEAVE or talk.answers is AnswerPolicy.ALWAYS:
            talk.answer()
        try:
            _converse(talk, call)
        except AbandonedError:
            pass
        except (CallerGoneError, WireError):
            raise
        except LineError as error:
            log.error("call %s is given back: %s", call.uuid, error)  # noqa: TRY400 - the sentence says it all
            talk.know(Status.FAILED, Cause.CODEC)
        except VoicemailError as error:
            if not isinstance(error, (StoreDownError, SpoolError)):  # which are told once a minute, where they arise
                log.exception("call %s ends with an apology", call.uuid)
            if not talk.owner_is_in:
                talk.know(Status.FAILED, Cause.AWAY if isinstance(error, StoreDownError) else Cause.ERROR)
            talk.apologise()
            talk.goodbye()
        if not talk.handed_over:
            talk.report()
    except CallerGoneError:
        pass
    return talk


def action_of(call: Call) -> Action | None:
    """What the call is for: `vm_action`, else by the number that was dialled; None: an action that is none of ours."""
    named = call.variable("vm_action").strip().lower()
    if not named:
        return NUMBERS.get(call.destination, Action.LEAVE)
    return Action(named) if named in set(Action) else None


def _converse(talk: Conversation, call: Call) -> None:
    action = action_of(call)
    if action is None:
        log.error("call %s: no such vm_action: %r", call.uuid, call.variable("vm_action"))
        talk.know(Status.FAILED, Cause.ACTION)
        talk.apologise()
        return
    domain = domain_of(talk)
    if not _says_which_domain(talk, call):
        talk.know(Status.FAILED, Cause.DOMAIN)
        talk.apologise()
        return
    match action:
        case Action.CHECK:
            named = call.variable("vm_mailbox")
            number = named or authenticated_user(call) or call.caller.number
            _check(talk, _box(number, domain, by_plan=_is_plans(call, named)))
        case Action.LOGIN:
            visit_mailbox(talk, _logged_in(talk, call.variable("vm_mailbox"), domain))
        case Action.DIRECTORY:
            directory(talk, domain)
        case Action.NOTICE:
            notice_call(talk, MailboxId.of(call.variable("vm_mailbox"), domain))
        case Action.AUTH:
            _authenticate(talk, call.variable("vm_mailbox"), domain)
        case Action.LEAVE:
            _leave(talk, call, domain)


def _says_which_domain(talk: Conversation, call: Call) -> bool:
    """Whether it is certain for which domain a call is: it names one, or there is one only. None is ever guessed."""
    if named_domain(call):
        return True
    try:
        domains = talk.world.directory.domains()
    except StoreDownError:
        return True  # a message is taken all the same, and waits in the spool
    if len(domains) < 2:
        return True
    log.error(
        "call %s: neither vm_domain nor domain_name says for which domain it is, and there are several", call.uuid
    )
    return False


def _check(talk: Conversation, box: MailboxId | None) -> None:
    skip_pin = talk.phone.call.flag("vm_skip_pin")
    mailbox = ask_mailbox(talk) if box is None else own_mailbox(talk, box, vouched=True, skip_pin=skip_pin)
    visit_mailbox(talk, mailbox)


def _logged_in(talk: Conversation, named: str, domain: str) -> Entered:
    """Whoever calls from any telephone, by PIN, in the mailbox that the call names; in the one that is typed where it names none."""
    box = _box(named, domain, by_plan=_is_plans(talk.phone.call, named))
    return ask_mailbox(talk) if box is None else own_mailbox(talk, box, vouched=False)


def _authenticate(talk: Conversation, named: str, domain: str) -> None:
    """Ask for a mailbox's PIN and nothing else: the dialplan goes on with whose it is (`vm_authenticated`)."""
    talk.phone.set_variables({"vm_authenticated": ""})
    entered = _logged_in(talk, named, domain)
    talk.phone.set_variables({"vm_authenticated": str(entered.mailbox.id)})
    talk.know(Status.SUCCESS)


def _leave(talk: Conversation, call: Call, domain: str) -> None:
    named = call.variable("vm_mailbox")
    by_plan = _is_plans(call, named)
    if named == ASK_MAILBOX:
        talk.answer()
        named, by_plan = talk.ask_digits(talk.voice.prompt("vm-whichbox")), False
        if not named:
            talk.know(Status.FAILED, Cause.SILENT)
            return
        with contextlib.suppress(StoreDownError):
            mailbox = talk.typed_mailbox(named, domain)
            named = mailbox.id.number if mailbox else named
    numbers = named.split("&") if by_plan else [named or _dialled(talk, call, domain)]
    boxes = [_box(text, domain, by_plan=by_plan) for text in numbers]
    found = Addressees(tuple(filter(None, boxes)))  # who is alone is looked at when it is greeted for
    if len(boxes) > 1:
        found = addressees(talk, zip(numbers, boxes, strict=True))
    if not found.boxes:
        no_such_mailbox(talk)
        return
    reason = Reason.of(call.variable("vm_reason"))
    greeted = False
    while (left := leave(talk, found, reason, greeted=greeted)) is not LeftFor.END:
        greeted = not isinstance(left, MailboxId)
        if isinstance(left, MailboxId):  # by an exit: nobody said why that one does not answer
            found, reason = Addressees((left,)), Reason.NONE if reason is Reason.NONE else Reason.UNAVAILABLE
        elif left is LeftFor.OWNER:
            talk.answer()
            with contextlib.suppress(NotTheOwnerError):
                visit_mailbox(talk, own_mailbox(talk, found.boxes[0], vouched=False, by_mistake=True))
                return


def _dialled(talk: Conversation, call: Call, domain: str) -> str:
    """The number of a call that names no `vm_mailbox`.

    The first with a mailbox of the extension that handed the call over, whom it rang last (`dialed_user`), and what the
    caller dialled at first (`sip_req_user`).
    """
    others = [call.variable("dialed_user"), call.variable("sip_req_user")]
    try:
        for number in dict.fromkeys([call.destination, *filter(None, others)]):
            box = _box(number, domain, by_plan=False)
            if box is not None and talk.world.mailboxes.open(box) is not None:
                return number
    except StoreDownError:
        return call.destination  # the message is taken all the same, and waits in the spool
    log.warning(
        "call %s: no mailbox %r in %s; let the dialplan name one: vm_mailbox", call.uuid, call.destination, domain
    )
    return call.destination


def _is_plans(call: Call, named: str) -> bool:
    """Whether `vm_mailbox` may name a domain or a list: the dialplan wrote it, and did not hand on a stranger's number."""
    if not named or not {"@", "&"} & set(named):
        return bool(named)
    if is_strangers_word(call, named):
        log.warning("call %s: vm_mailbox is the number dialled or called from: %r is one number", call.uuid, named)
        return False
    return True


def _box(text: str, domain: str, *, by_plan: bool) -> MailboxId | None:
    """The mailbox of a number; a domain in it counts where the dialplan wrote it."""
    try:
        return MailboxId.parse(text, domain) if by_plan else MailboxId(text.strip(), domain)
    except InvalidValueError:
        return None
