"""Every sentence that is put together from words, in both languages: the prompts, and what they say.

Prompts are written without `digits/`. Read the last column aloud: it must be French, or English.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import voice_for
from esl_vm.speech.words import words

FR, EN = voice_for("fr"), voice_for("en")

COUNTS = [
    (FR, (0, 0, 0), "vm-no vm-message", "Aucun message."),
    (FR, (0, 1, 0), "vm-youhave 1 vm-INBOX vm-message", "Vous avez un nouveau message."),
    (FR, (0, 2, 0), "vm-youhave 2 vm-INBOX vm-messages", "Vous avez deux nouveaux messages."),
    (FR, (0, 21, 0), "vm-youhave 20 et 1 vm-INBOX vm-messages", "Vous avez vingt et un nouveaux messages."),
    (FR, (0, 71, 0), "vm-youhave 60 et 11 vm-INBOX vm-messages", "Vous avez soixante et onze nouveaux messages."),
    (FR, (0, 80, 0), "vm-youhave 80 vm-INBOX vm-messages", "Vous avez quatre-vingts nouveaux messages."),
    (FR, (0, 81, 0), "vm-youhave 80 1 vm-INBOX vm-messages", "Vous avez quatre-vingt-un nouveaux messages."),
    (FR, (0, 101, 0), "vm-youhave hundred 1 vm-INBOX vm-messages", "Vous avez cent un nouveaux messages."),
    (FR, (0, 0, 1), "vm-youhave 1 vm-Old vm-message", "Vous avez un ancien message."),
    (FR, (0, 0, 71), "vm-youhave 60 et 11 vm-Old vm-messages", "Vous avez soixante et onze anciens messages."),
    (
        FR,
        (0, 1, 1),
        "vm-youhave 1 vm-INBOX vm-and 1 vm-Old vm-message",
        "Vous avez un nouveau et un ancien message.",
    ),
    (
        FR,
        (0, 3, 2),
        "vm-youhave 3 vm-INBOX vm-and 2 vm-Old vm-messages",
        "Vous avez trois nouveaux et deux anciens messages.",
    ),
    (FR, (1, 0, 0), "vm-youhave 1 vm-message vm-Urgent", "Vous avez un message urgent."),
    (FR, (2, 0, 0), "vm-youhave 2 vm-messages vm-Urgent", "Vous avez deux messages urgents."),
    (
        FR,
        (1, 1, 0),
        "vm-youhave 1 vm-message vm-Urgent vm-and 1 vm-INBOX vm-message",
        "Vous avez un message urgent et un nouveau message.",
    ),
    (
        FR,
        (2, 3, 1),
        "vm-youhave 2 vm-messages vm-Urgent 3 vm-INBOX vm-and 1 vm-Old vm-message",
        "Vous avez deux messages urgents, trois nouveaux et un ancien message.",
    ),
    (EN, (0, 0, 0), "vm-youhave vm-no vm-messages", "You have no messages."),
    (EN, (0, 1, 0), "vm-youhave 1 vm-INBOX vm-message", "You have one new message."),
    (EN, (0, 2, 0), "vm-youhave 2 vm-INBOX vm-messages", "You have two new messages."),
    (EN, (0, 21, 0), "vm-youhave 20 1 vm-INBOX vm-messages", "You have twenty-one new messages."),
    (EN, (0, 71, 0), "vm-youhave 70 1 vm-INBOX vm-messages", "You have seventy-one new messages."),
    (EN, (0, 80, 0), "vm-youhave 80 vm-INBOX vm-messages", "You have eighty new messages."),
    (EN, (0, 81, 0), "vm-youhave 80 1 vm-INBOX vm-messages", "You have eighty-one new messages."),
    (EN, (0, 101, 0), "vm-youhave 1 hundred 1 vm-INBOX vm-messages", "You have one hundred one new messages."),
    (EN, (0, 0, 1), "vm-youhave 1 vm-Old vm-message", "You have one old message."),
    (
        EN,
        (0, 1, 1),
        "vm-youhave 1 vm-INBOX vm-and 1 vm-Old vm-message",
        "You have one new and one old message.",
    ),
    (EN, (1, 0, 0), "vm-youhave 1 vm-Urgent vm-message", "You have one urgent message."),
    (
        EN,
        (2, 3, 1),
        "vm-youhave 2 vm-Urgent vm-and 3 vm-INBOX vm-and 1 vm-Old vm-message",
        "You have two urgent and three new and one old message.",
    ),
]

# It is Friday, the first of January 2027, ten in the morning in Toronto.
NEW_YEAR = "2027-01-01 10:00"

DATES = [
    (FR, "2027-01-01 00:00", "vm-received today at 0 oclock", "Reçu aujourd'hui à zéro heure."),
    (FR, "2027-01-01 00:30", "vm-received today at 0 oclock 30", "Reçu aujourd'hui à zéro heure trente."),
    (FR, "2027-01-01 01:00", "vm-received today at 1F oclock", "Reçu aujourd'hui à une heure."),
    (FR, "2027-01-01 09:05", "vm-received today at 9 oclock 5", "Reçu aujourd'hui à neuf heures cinq."),
    (FR, "2026-12-31 12:00", "vm-received yesterday at 12 oclock", "Reçu hier à douze heures."),
    (FR, "2026-12-31 12:01", "vm-received yesterday at 12 oclock 1F", "Reçu hier à douze heures une."),
    (FR, "2026-12-31 13:00", "vm-received yesterday at 13 oclock", "Reçu hier à treize heures."),
    (FR, "2026-12-31 17:30", "vm-received yesterday at 17 oclock 30", "Reçu hier à dix-sept heures trente."),
    (
        FR,
        "2026-12-31 21:01",
        "vm-received yesterday at 20 et 1F oclock 1F",
        "Reçu hier à vingt et une heures une.",
    ),
    (
        FR,
        "2026-12-31 20:21",
        "vm-received yesterday at 20 oclock 20 et 1F",
        "Reçu hier à vingt heures vingt et une.",
    ),
    (
        FR,
        "2026-12-31 23:59",
        "vm-received yesterday at 20 3 oclock 50 9",
        "Reçu hier à vingt-trois heures cinquante-neuf.",
    ),
    (FR, "2026-12-30 08:00", "vm-received day-3 at 8 oclock", "Reçu mercredi à huit heures."),
    (FR, "2026-12-26 08:00", "vm-received day-6 at 8 oclock", "Reçu samedi à huit heures."),
    (
        FR,
        "2026-12-25 08:00",
        "vm-received day-5 20 5 mon-11 at 8 oclock",
        "Reçu vendredi vingt-cinq décembre à huit heures.",
    ),
    (
        FR,
        "2026-06-01 00:01",
        "vm-received day-1 h-1 mon-5 2 thousand 20 6 at 0 oclock 1F",
        "Reçu lundi premier juin deux mille vingt-six à zéro heure une.",
    ),
    (
        FR,
        "2026-08-31 15:16",
        "vm-received day-1 30 et 1 mon-7 at 15 oclock 16",
        "Reçu lundi trente et un août à quinze heures seize.",
    ),
    (EN, "2027-01-01 00:00", "vm-received today at 12 oclock a-m", "Received today at twelve o'clock a.m."),
    (EN, "2027-01-01 00:30", "vm-received today at 12 30 a-m", "Received today at twelve thirty a.m."),
    (EN, "2027-01-01 01:00", "vm-received today at 1 oclock a-m", "Received today at one o'clock a.m."),
    (EN, "2027-01-01 09:05", "vm-received today at 9 oh 5 a-m", "Received today at nine oh five a.m."),
    (EN, "2026-12-31 12:00", "vm-received yesterday at 12 oclock p-m", "Received yesterday at twelve o'clock p.m."),
    (EN, "2026-12-31 17:30", "vm-received yesterday at 5 30 p-m", "Received yesterday at five thirty p.m."),
    (EN, "2026-12-31 21:01", "vm-received yesterday at 9 oh 1 p-m", "Received yesterday at nine oh one p.m."),
    (EN, "2026-12-31 20:21", "vm-received yesterday at 8 20 1 p-m", "Received yesterday at eight twenty-one p.m."),
    (EN, "2026-12-26 08:00", "vm-received day-6 at 8 oclock a-m", "Received Saturday at eight o'clock a.m."),
    (
        EN,
        "2026-12-25 08:00",
        "vm-received day-5 mon-11 20 h-5 at 8 oclock a-m",
        "Received Friday December twenty-fifth at eight o'clock a.m.",
    ),
    (
        EN,
        "2026-12-02 08:00",
        "vm-received day-3 mon-11 h-2 at 8 oclock a-m",
        "Received Wednesday December second at eight o'clock a.m.",
    ),
    (
        EN,
        "2026-11-01 13:10",
        "vm-received mon-10 h-1 at 1 10 p-m",
        "Received November first at one ten p.m.",
    ),
    (
        EN,
        "2026-08-31 15:16",
        "vm-received mon-7 30 h-1 at 3 16 p-m",
        "Received August thirty-first at three sixteen p.m.",
    ),
    (
        EN,
        "2025-06-01 08:00",
        "vm-received mon-5 h-1 2 thousand 20 5 at 8 oclock a-m",
        "Received June first two thousand twenty-five at eight o'clock a.m.",
    ),
]

# (language, folder, its name, that it is empty, what 1 does at the start, what 1 does in the long help)
FOLDERS = [
    (
        FR,
        "new",
        ("vm-INBOX vm-messages", "« Nouveaux messages »."),
        ("vm-no vm-INBOX vm-message", "Aucun nouveau message."),
        ("vm-onefor-full vm-INBOX vm-messages", "Faites le 1 pour entendre vos nouveaux messages."),
        ("vm-onefor-full vm-INBOX vm-messages", "Faites le 1 pour entendre vos nouveaux messages."),
    ),
    (
        FR,
        "old",
        ("vm-Old vm-messages", "« Anciens messages »."),
        ("vm-no vm-Old vm-message", "Aucun ancien message."),
        ("vm-onefor-full vm-Old vm-messages", "Faites le 1 pour entendre vos anciens messages."),
        ("vm-onefor-full vm-Old vm-messages", "Faites le 1 pour entendre vos anciens messages."),
    ),
    (
        FR,
        "urgent",
        ("vm-messages vm-Urgent", "« Messages urgents »."),
        ("vm-no vm-message vm-Urgent", "Aucun message urgent."),
        ("vm-onefor-full vm-messages vm-Urgent", "Faites le 1 pour entendre vos messages urgents."),
        ("vm-onefor-full vm-messages vm-Urgent", "Faites le 1 pour entendre vos messages urgents."),
    ),
    (
        FR,
        "work",
        ("vm-Work", "« Travail »."),
        ("vm-no vm-message vm-savedto vm-Work", "Aucun message conservé dans « Travail »."),
        (
            "vm-onefor-full vm-messages vm-savedto vm-Work",
            "Faites le 1 pour entendre vos messages conservés dans « Travail ».",
        ),
        (
            "vm-onefor-full vm-messages vm-savedto vm-Work",
            "Faites le 1 pour entendre vos messages conservés dans « Travail ».",
        ),
    ),
    (
        FR,
        "family",
        ("vm-Family", "« Famille »."),
        ("vm-no vm-message vm-savedto vm-Family", "Aucun message conservé dans « Famille »."),
        (
            "vm-onefor-full vm-messages vm-savedto vm-Family",
            "Faites le 1 pour entendre vos messages conservés dans « Famille ».",
        ),
        (
            "vm-onefor-full vm-messages vm-savedto vm-Family",
            "Faites le 1 pour entendre vos messages conservés dans « Famille ».",
        ),
    ),
    (
        FR,
        "cust1",
        ("vm-Cust1", "« Dossier 5 »."),
        ("vm-no vm-message vm-savedto vm-Cust1", "Aucun message conservé dans « Dossier 5 »."),
        (
            "vm-onefor-full vm-messages vm-savedto vm-Cust1",
            "Faites le 1 pour entendre vos messages conservés dans « Dossier 5 ».",
        ),
        (
            "vm-onefor-full vm-messages vm-savedto vm-Cust1",
            "Faites le 1 pour entendre vos messages conservés dans « Dossier 5 ».",
        ),
    ),
    (
        EN,
        "new",
        ("vm-INBOX vm-messages", "New messages."),
        ("vm-youhave vm-no vm-INBOX vm-messages", "You have no new messages."),
        ("vm-onefor vm-INBOX vm-messages", "Press 1 for new messages."),
        ("vm-onefor-full vm-INBOX vm-messages", "Press 1 to hear new messages."),
    ),
    (
        EN,
        "urgent",
        ("vm-Urgent vm-messages", "Urgent messages."),
        ("vm-youhave vm-no vm-Urgent vm-messages", "You have no urgent messages."),
        ("vm-onefor vm-Urgent vm-messages", "Press 1 for urgent messages."),
        ("vm-onefor-full vm-Urgent vm-messages", "Press 1 to hear urgent messages."),
    ),
    (
        EN,
        "work",
        ("vm-Work vm-messages", "Work messages."),
        ("vm-youhave vm-no vm-Work vm-messages", "You have no work messages."),
        ("vm-onefor vm-Work vm-messages", "Press 1 for work messages."),
        ("vm-onefor-full vm-Work vm-messages", "Press 1 to hear work messages."),
    ),
    (
        EN,
        "cust5",
        ("vm-Cust5 vm-messages", "Folder 9 messages."),
        ("vm-youhave vm-no vm-Cust5 vm-messages", "You have no folder 9 messages."),
        ("vm-onefor vm-Cust5 vm-messages", "Press 1 for folder 9 messages."),
        ("vm-onefor-full vm-Cust5 vm-messages", "Press 1 to hear folder 9 messages."),
    ),
]

PHRASES = [
    (FR.place(1, 1), "vm-first vm-message", "Premier message."),
    (FR.place(2, 4), "vm-message 2", "Message 2."),
    (FR.place(21, 40), "vm-message 20 et 1", "Message 21."),
    (FR.place(4, 4), "vm-last vm-message", "Dernier message."),
    (FR.place(1, 3, urgent=True), "vm-first vm-message vm-Urgent", "Premier message urgent."),
    (FR.place(2, 3, urgent=True), "vm-message vm-Urgent 2", "Message urgent 2."),
    (FR.place(21, 30, urgent=True), "vm-message vm-Urgent 20 et 1", "Message urgent 21."),
    (FR.duration(0), "vm-duration 0 seconds", "Il dure zéro seconde."),
    (FR.duration(1_999), "vm-duration 1F seconds", "Il dure une seconde."),
    (FR.duration(41_000), "vm-duration 40 et 1F seconds", "Il dure quarante et une secondes."),
    (FR.duration(60_000), "vm-duration 1F minute", "Il dure une minute."),
    (FR.duration(21 * 60_000), "vm-duration 20 et 1F vm-minutes", "Il dure vingt et une minutes."),
    (FR.duration(185_000), "vm-duration 3 vm-minutes", "Il dure trois minutes."),
    (
        FR.phone_number("+1 (514) 555-0180"),
        "vm-from-phonenumber letters/plus 1 5 1 4 5 5 5 0 1 8 0",
        "Du numéro +15145550180.",
    ),
    (FR.phone_number("anonymous"), "vm-unknown-caller", "D'un appelant inconnu."),
    (
        FR.place(1, 3) + FR.duration(120_000) + FR.phone_number(""),
        "vm-first vm-message vm-duration 2 vm-minutes vm-unknown-caller",
        "Premier message, il dure deux minutes, d'un appelant inconnu.",
    ),
    (
        FR.prompt("vm-press") + FR.digits("2") + FR.prompt("vm-for") + FR.folder_messages("work"),
        "vm-press 2 vm-for vm-Work",
        "Faites le 2 pour « Travail ».",
    ),
    (
        FR.digits("0") + FR.prompt("vm-for") + FR.folder_messages("new"),
        "0 vm-for vm-INBOX vm-messages",
        "0 pour « Nouveaux messages ».",
    ),
    (
        FR.prompt("vm-message") + FR.number(3) + FR.prompt("vm-savedto") + FR.folder_messages("old"),
        "vm-message 3 vm-savedto vm-Old vm-messages",
        "Message 3 conservé dans « Anciens messages ».",
    ),
    (
        FR.prompt("vm-theperson") + FR.digits("1001") + FR.prompt("vm-isunavail", "vm-intro", "beep"),
        "vm-theperson 1 0 0 1 vm-isunavail vm-intro beep",
        (
            "La personne au poste 1001 n'est pas disponible. "
            "Laissez votre message après le bip, puis raccrochez ou faites le dièse. [bip]"
        ),
    ),
    (
        FR.prompt("vm-num-i-have") + FR.digits("5145550180") + FR.prompt("vm-tocallnum"),
        "vm-num-i-have 5 1 4 5 5 5 0 1 8 0 vm-tocallnum",
        "Le numéro est le 5145550180. Pour appeler ce numéro, faites le 1.",
    ),
    (
        FR.prompt("dir-pls-enter") + FR.number(3) + FR.prompt("dir-firstlast", "dir-usingkeypad"),
        "dir-pls-enter 3 dir-firstlast dir-usingkeypad",
        "Composez les trois premières lettres du prénom ou du nom sur votre clavier ; le Q est sur le 7, le Z sur le 9.",
    ),
    (
        FR.prompt("vm-enter-num-to-call", "vm-then-pound"),
        "vm-enter-num-to-call vm-then-pound",
        "Composez le numéro à appeler, puis le dièse.",
    ),
    (EN.place(1, 1), "vm-first vm-message", "First message."),
    (EN.place(21, 40), "vm-message 20 1", "Message 21."),
    (EN.place(1, 3, urgent=True), "vm-first vm-Urgent vm-message", "First urgent message."),
    (EN.place(2, 3, urgent=True), "vm-Urgent vm-message 2", "Urgent message 2."),
    (EN.place(3, 3, urgent=True), "vm-last vm-Urgent vm-message", "Last urgent message."),
    (EN.duration(60_000), "vm-duration 1 minute", "It lasts one minute."),
    (EN.duration(61_000 * 2), "vm-duration 2 vm-minutes", "It lasts two minutes."),
    (EN.duration(400), "vm-duration 1 second", "It lasts one second."),
    (EN.phone_number("1002"), "vm-from 1 0 0 2", "From 1002."),
    (EN.phone_number("7"), "vm-from 7", "From 7."),
    (EN.extension("1002"), "vm-from dir-multi3 1 0 0 2", "From extension 1002."),
    (FR.extension("1002"), "vm-from-extension 1 0 0 2", "Du poste 1002."),
    (FR.digits("Béçœ"), "letters/b letters/e letters/c letters/o letters/e", "BECOE."),
    (
        EN.place(1, 2) + EN.prompt("vm-received", "digits/today") + EN.phone_number("x"),
        "vm-first vm-message vm-received today vm-unknown-caller",
        "First message, received today, from an unknown caller.",
    ),
    (
        EN.prompt("vm-press") + EN.digits("2") + EN.prompt("vm-for") + EN.folder_messages("work"),
        "vm-press 2 vm-for vm-Work vm-messages",
        "Press 2 for work messages.",
    ),
    (
        EN.prompt("vm-theperson") + EN.digits("bob-1") + EN.prompt("vm-isonphone"),
        "vm-theperson letters/b letters/o letters/b letters/dash 1 vm-isonphone",
        "The person at extension BOB-1 is on another call.",
    ),
]


def names(utterance):
    return [part.name for part in utterance if isinstance(part, Prompt)]


def short(utterance):
    return " ".join(name.removeprefix("digits/") for name in names(utterance))


def local(text, zone="America/Toronto"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(("voice", "counts", "prompts", "sentence"), COUNTS)
def test_how_many_messages_wait(voice, counts, prompts, sentence):
    said = voice.counts(*counts)
    assert (short(said), words(names(said), voice.language)) == (prompts, sentence)


@pytest.mark.parametrize(("voice", "at", "prompts", "sentence"), DATES)
def test_when_a_message_came(voice, at, prompts, sentence):
    said = voice.received(local(at), local(NEW_YEAR))
    assert (short(said), words(names(said), voice.language)) == (prompts, sentence)


@pytest.mark.parametrize(("voice", "folder", "name", "empty", "start", "help_"), FOLDERS)
def test_what_is_said_of_a_folder(voice, folder, name, empty, start, help_):
    said = [
        voice.folder_messages(folder),
        voice.no_messages(folder),
        voice.listen_to(folder),
        voice.listen_to(folder, full=True),
    ]
    assert [(short(one), words(names(one), voice.language)) for one in said] == [name, empty, start, help_]


@pytest.mark.parametrize(("said", "prompts", "sentence"), PHRASES)
def test_places_lengths_callers_and_lists(said, prompts, sentence):
    assert (short(said), words(names(said), said[0].language)) == (prompts, sentence)
