"""Where a sentence here is not Comedian Mail's: what it says, what is said here instead, and why.

Sequences are prompts as played; `N` is any number, `FOLDER` a folder's name. What is not listed is said prompt by
prompt as Asterisk's app_voicemail says it with the same sounds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """One sentence that is said otherwise here.

    Args:
        key: the entry's name.
        language: `fr` or `en`.
        where: when it is heard.
        there: what Comedian Mail plays. here: what is played here.
        why: one sentence.
    """

    key: str
    language: str
    where: str
    there: str
    here: str
    why: str


DIFFERENCES = (
    Difference(
        "fr-no-messages",
        "fr",
        "after log-in, with nothing in New and Old",
        "vm-youhave vm-no vm-messages",
        "vm-no vm-message",
        "« vous avez aucun message » lacks the « n' » that no recording has; « aucun message » is correct by itself.",
    ),
    Difference(
        "fr-no-messages",
        "fr",
        "1 or 5 in an empty New or Old folder",
        "vm-youhave vm-no FOLDER vm-messages",
        "vm-no FOLDER vm-message",
        "The same: « aucun nouveau message », « aucun ancien message ».",
    ),
    Difference(
        "fr-no-messages",
        "fr",
        "1 or 5 in any other empty folder",
        "vm-youhave vm-no FOLDER vm-messages",
        "vm-no vm-message vm-savedto FOLDER",
        "« aucun travail messages » is no French: « aucun message conservé dans travail ».",
    ),
    Difference(
        "fr-no-messages",
        "fr",
        "1 or 5 with the urgent messages open and none there",
        "vm-youhave vm-no vm-Urgent vm-messages",
        "vm-no vm-message vm-Urgent",
        "« aucun message urgent »: the adjective follows its noun.",
    ),
    Difference(
        "fr-urgent",
        "fr",
        "after log-in, with urgent messages",
        "(nothing: they are never announced)",
        "vm-youhave N vm-messages vm-Urgent [vm-and N vm-INBOX] [vm-and N vm-Old vm-messages]",
        "« vous avez 2 messages urgents et 3 nouveaux et 1 ancien message »; with urgent ones only, Comedian Mail stops "
        "after « vous avez ».",
    ),
    Difference(
        "fr-urgent",
        "fr",
        "before an urgent message",
        "vm-first vm-Urgent vm-message | vm-last vm-Urgent vm-message | vm-Urgent vm-message N",
        "vm-first vm-message vm-Urgent | vm-last vm-message vm-Urgent | vm-message N vm-Urgent",
        "« premier message urgent »: the adjective follows its noun.",
    ),
    Difference(
        "fr-folder-names",
        "fr",
        "wherever a folder is named: 1 at the start, after 2, in the lists of 2 and 9, after 9",
        "vm-Work vm-messages (likewise vm-Family, vm-Friends, vm-Cust1 to vm-Cust5)",
        "vm-Work",
        "« travail messages » is English word order; the folder's name stands alone, as in the callers' guide.",
    ),
    Difference(
        "fr-folder-names",
        "fr",
        "wherever the urgent messages are named",
        "vm-Urgent vm-messages",
        "vm-messages vm-Urgent",
        "« messages urgents ».",
    ),
    Difference(
        "fr-folder-names",
        "fr",
        "the long help (*) in Work, Family, Friends, Cust1 to Cust5",
        "vm-onefor-full FOLDER vm-messages",
        "vm-onefor FOLDER",
        "The longer words end in « vos », which a folder's name can't follow.",
    ),
    Difference(
        "fr-clock",
        "fr",
        "when a message came",
        "digits/at N digits/oclock [N] digits/a-m | digits/p-m",
        "digits/at N digits/oclock [N]",
        "French says the hour of twenty-four: « à 17 heures 30 », not « à 5 heures 30 P.M. ».",
    ),
    Difference(
        "fr-clock",
        "fr",
        "when a message came, from 0:00 to 0:59 and from 12:00 to 12:59",
        "digits/at digits/12 digits/oclock [N] digits/a-m | digits/p-m",
        "digits/at digits/midnight [N] | digits/at digits/noon [N]",
        "« à minuit », « à midi 5 ». Without recordings of the two words (Debian's pack has none) the pack plays "
        "« zéro heure » (digits/0 digits/oclock) and « douze heures » (digits/12 digits/oclock), which are French too.",
    ),
    Difference(
        "fr-clock",
        "fr",
        "when a message came, with 1, 21, 31, 41 or 51 as hour or minute",
        "digits/1 digits/oclock | digits/20 digits/et digits/1",
        "digits/1F digits/oclock | digits/20 digits/et digits/1F",
        "Hours and minutes are feminine: « une heure », « vingt et une heures une ». The recording of « une » comes with "
        "this project.",
    ),
    Difference(
        "duration-one",
        "fr",
        "before a message of one minute",
        "vm-duration digits/1 vm-minutes",
        "vm-duration digits/1F minute",
        "« une minute », not « un minutes ».",
    ),
    Difference(
        "duration-one",
        "fr",
        "before a message of 21, 31, 41, 51 … minutes",
        "vm-duration digits/20 digits/et digits/1 vm-minutes",
        "vm-duration digits/20 digits/et digits/1F vm-minutes",
        "« vingt et une minutes ».",
    ),
    Difference(
        "duration-one",
        "en",
        "before a message of one minute",
        "vm-duration digits/1 vm-minutes",
        "vm-duration digits/1 minute",
        '"one minute", not "one minutes".',
    ),
    Difference(
        "caller-without-number",
        "fr",
        "before a message whose caller's number is a text (anonymous)",
        "vm-from-phonenumber",
        "vm-unknown-caller",
        "« du numéro de téléphone » is followed by nothing there.",
    ),
    Difference(
        "caller-without-number",
        "en",
        "before a message whose caller's number is a text (anonymous)",
        "vm-from-phonenumber",
        "vm-unknown-caller",
        '"from phone number" is followed by nothing there.',
    ),
)
