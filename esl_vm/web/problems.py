"""What went wrong, as RFC 9457 has it: a title for people, a type for programs, a sentence that says what to do."""

from __future__ import annotations

from http import HTTPStatus

from esl_vm.model.errors import (
    AudioMissingError,
    ChangedMeanwhileError,
    HeldError,
    InvalidValueError,
    MailboxExistsError,
    NoSuchListError,
    NoSuchMailboxError,
    NoSuchMessageError,
    NoSuchOwnerError,
    SoundTooLargeError,
    SpoolError,
    StoreDownError,
    VoicemailError,
)

TYPES = {
    "bad-request": (400, "The request can't be understood"),
    "unknown-cursor": (400, "That cursor is none of this list"),
    "sign-in": (401, "Sign in first"),
    "wrong-pin": (401, "Mailbox or PIN is wrong"),
    "forbidden": (403, "That is not allowed to you"),
    "pin-off": (403, "A PIN opens nothing here: sign in through your organisation, on the page"),
    "sign-in-failed": (403, "The organisation's sign-in did not succeed: sign in anew"),
    "no-mailbox": (403, "You are known, and have no mailbox here: ask the administrator"),
    "cross-site": (403, "The request came from another site"),
    "not-found": (404, "There is nothing here"),
    "sound-missing": (404, "The sound is gone"),
    "method-not-allowed": (405, "That can't be done here"),
    "not-acceptable": (406, "It can't be had in that form"),
    "too-slow": (408, "The request took too long to arrive"),
    "gone": (410, "What the link led to is not there any more"),
    "exists": (409, "It is there already"),
    "held": (409, "A legal hold keeps it"),
    "full": (409, "There is no room"),
    "changed": (412, "It was changed meanwhile"),
    "too-large": (413, "That is too large"),
    "media-type": (415, "That kind of content is not taken here"),
    "range": (416, "The sound is shorter than that"),
    "invalid": (422, "A value is not what it should be"),
    "weak-pin": (422, "That PIN is too easy to guess"),
    "no-sound": (422, "That is no sound"),
    "too-long": (422, "The sound is too long"),
    "recipients": (422, "Not everybody who is named can get it"),
    "if-match": (428, "Say which state you are changing"),
    "locked": (429, "Too many wrong PINs"),
    "too-many-calls": (429, "Too many calls were placed"),
    "error": (500, "The service made a mistake"),
    "provider-away": (503, "The organisation's sign-in can't be reached now: try again in a moment"),
    "away": (503, "Messages can't be reached now"),
    "no-mail": (409, "No mail can be sent for this mailbox"),
    "no-push": (409, "Notices in browsers can't be had here"),
    "no-telephone": (503, "No telephone can be rung now"),
}
"""Every type with its status and title. Pages say each in their own words (`words/`, `problem.TYPE`)."""


class ProblemError(VoicemailError):
    """An answer that says no.

    Args:
        kind: of TYPES. detail: what to do about it, for programs. headers: of the response.
        errors: what is wrong where, by name. words: key of the catalogue that says it on a page; `` = the type's.
    """

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        headers: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
        words: str = "",
    ) -> None:
        self.kind = kind
        self.status, self.title = TYPES[kind]
        self.detail = detail or self.title
        self.headers = headers or {}
        self.errors = errors or {}
        self.words = words or f"problem.{kind}.help"
        super().__init__(self.detail)

    @property
    def status_line(self) -> str:
        """`404 Not Found`."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"

    def fields(self, request: str) -> dict[str, object]:
        """As RFC 9457 has it; request: its id in the log."""
        fields: dict[str, object] = {
            "type": f"/api/problems#{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request": request,
        }
        return fields | ({"errors": self.errors} if self.errors else {})


def not_found() -> ProblemError:
    """What is not there, and what is not his."""
    return ProblemError("not-found", "There is nothing under this address, or it is not yours to see.")


def problem_of(error: VoicemailError) -> ProblemError:
    """What an error of the project is to a client."""
    match error:
        case ProblemError():
            return error
        case NoSuchMailboxError() | NoSuchMessageError() | NoSuchListError() | NoSuchOwnerError():
            return not_found()
        case AudioMissingError():
            return ProblemError("sound-missing", "The message is there, its sound is not. Tell the administrator.")
        case HeldError():
            return ProblemError("held", str(error))
        case MailboxExistsError():
            return ProblemError("exists", str(error))
        case ChangedMeanwhileError():
            return ProblemError("changed", "Somebody else changed it. Get it again, and repeat your change on that.")
        case SoundTooLargeError():
            return ProblemError("too-large", str(error))
        case InvalidValueError():
            return ProblemError("invalid", str(error))
        case StoreDownError() | SpoolError():
            return ProblemError(
                "away",
                "Your messages are kept; they are shown again as soon as possible. Try again in a few seconds.",
                headers={"Retry-After": "5"},
            )
        case _:
            return ProblemError("error", "It is in the log under this request's id; tell the administrator.")
