"""Every error of the project, one sentence each; the class says who must act."""


class VoicemailError(Exception):
    """Base of all errors raised on purpose."""


class CallerGoneError(VoicemailError):
    """The caller hung up. Any method of Phone may raise it; only the front door catches it. Nobody must act."""


class AbandonedError(VoicemailError):
    """The caller said nothing for too long, or was wrong too often. Said goodbye to; nobody must act."""


class NoSuchMailboxError(VoicemailError):
    """There is no mailbox of that number in that domain."""


class NoSuchListError(VoicemailError):
    """There is no distribution list of that number in that domain."""


class NoSuchOwnerError(VoicemailError):
    """The mailbox has no such owner (any more)."""


class NoSuchMessageError(VoicemailError):
    """The message is not in that mailbox (any more)."""


class ChangedMeanwhileError(VoicemailError):
    """Somebody else changed it since it was read; nothing was changed. Whoever changes it reads it again."""


class MailboxExistsError(VoicemailError):
    """A mailbox of that number is there already."""


class HeldError(VoicemailError):
    """A legal hold keeps it: nothing was erased. Whoever set the hold lifts it."""


class StoreDownError(VoicemailError):
    """Redis (or the audio store) does not answer. The operator must act; recordings stay in the spool."""


class ProviderAwayError(VoicemailError):
    """The organisation's OpenID Connect provider does not answer, or not as it should. Its operator must act."""


class SignInRefusedError(VoicemailError):
    """What came back from the organisation's provider does not prove who somebody is. He signs in anew."""


class StaleSignInError(SignInRefusedError):
    """The browser that came back began no such sign-in, or too long ago, or was back before. Nothing was asked."""


class SealedError(StoreDownError):
    """Something stored is encrypted and its key is not to be had, or nothing can be encrypted now. The operator must act."""


class AudioMissingError(VoicemailError):
    """There is no sound under that id."""


class SoundTooLargeError(VoicemailError):
    """A sound is larger than the audio store can ever take. Waiting does not help."""


class EngineAwayError(VoicemailError):
    """The engine that transcribes does not answer, or takes nothing from us. The operator must act; all wait.

    Attributes:
        after_s: seconds after which it wants to be asked again; 0 = it did not say.
    """

    def __init__(self, said: str, after_s: float = 0.0) -> None:
        self.after_s = after_s
        super().__init__(said)


class TranscriptionError(VoicemailError):
    """The engine could not transcribe a sound this time. It is tried again."""


class NotTranscribableError(VoicemailError):
    """The engine will never transcribe this sound. Waiting does not help."""


class LineError(VoicemailError):
    """Nothing can be played on this call's line: FreeSWITCH can't make its codec. The administrator must act."""


class SpoolError(VoicemailError):
    """The spool folder can't be written (full, read-only, unreadable). The operator must act."""


class SwitchDownError(VoicemailError):
    """FreeSWITCH's inbound event socket does not answer. The operator must act; lamps are resent later."""


class WireError(VoicemailError):
    """The other end of the event socket does not speak its protocol. Ends this call only."""


class UnsafeArgumentError(VoicemailError):
    """Something that would have changed the meaning of a command to FreeSWITCH; it was not sent."""


class InvalidValueError(VoicemailError, ValueError):
    """A value from outside (a command line, a file, a channel variable) that is not what it should be."""


class SettingsError(VoicemailError):
    """The settings are wrong; every problem is listed. The operator must act, before start."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))
