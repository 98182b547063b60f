"""What a mail says, in French and English; and that a caller's name stays a name."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from esl_vm.model.errors import SettingsError
from esl_vm.model.message import CallDetails
from esl_vm.notify import wording
from esl_vm.notify.mail_templates import Attachment, Envelope, MailTemplates, News, addresses

TORONTO = ZoneInfo("America/Toronto")
NASTY = 'Eve"\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script> {{ 7*7 }}'


def news(language="fr", **changes):
    plain = News(
        language=language,
        owner="Hélène Côté",
        mailbox="1001@default",
        number="1001",
        domain="default",
        caller="Zoé Bélanger (5145551234)",
        caller_name="Zoé Bélanger",
        caller_number="5145551234",
        received="mercredi 18 novembre 2026 à 11 h 06",
        received_iso="2026-11-18T11:06:40-05:00",
        duration="12 secondes",
        duration_ms=12000,
        urgent=False,
        cut=False,
        forwarded_by="",
        new=1,
        old=0,
        attached=True,
        deleted=False,
        message_id="19f2a7",
        call=CallDetails(),
    )
    return replace(plain, **changes)


ENVELOPE = Envelope(
    sender="vm@pbx.example.com",
    sender_name="Boîte vocale",
    reply_to="help@example.com",
    list_id="1001.default.voicemail.pbx.example.com",
    recipients=["helene@example.com"],
    message_id="19f2a7.abc@pbx.example.com",
    date=datetime(2026, 11, 18, 11, 6, 40, tzinfo=TORONTO),
)
SOUND = Attachment("message-20261118-110640.wav", "audio", "x-wav", b"RIFF....WAVE")


def written(what="mail", envelope=ENVELOPE, letters=None, attachments=(SOUND,), **changes):
    """A mail as it is on the wire, read again by somebody else."""
    letters = letters or MailTemplates()
    message = (
        letters.page(news(**changes), envelope)
        if what == "page"
        else letters.mail(news(**changes), envelope, attachments)
    )
    raw = message.as_bytes()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return email.message_from_bytes(raw, policy=email.policy.default)


def text_of(mail, kind="plain"):
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_a_french_mail_has_its_accents_in_headers_and_body():
    mail = written()
    assert mail["Subject"] == "Message vocal : Zoé Bélanger (5145551234)"
    assert mail["From"].addresses[0].display_name == "Boîte vocale"
    assert mail["Content-Language"] == "fr"
    assert "Bonjour Hélène Côté,\n" in text_of(mail)
    assert "    Reçu :   mercredi 18 novembre 2026 à 11 h 06\n    Durée :  12 secondes\n" in text_of(mail)
    assert "Votre boîte contient 1 nouveau message et 0 ancien." in text_of(mail)
    assert "Boîte vocale 1001 de Hélène Côté" in text_of(mail, "html")
    assert mail.get_body(("plain",)).get_content_charset() == "utf-8"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_said_comes_first_in_the_text_and_is_no_markup_in_the_html(language):
    said = "Bonjour <b>Hélène</b>, " + 20 * "c'est encore moi. "
    mail = written(language=language, transcript=said, call_back="tel:5145551234")
    first, *rest = text_of(mail).splitlines()
    assert first.lstrip("«“\u00a0").startswith("Bonjour <b>Hélène</b>, c'est encore moi.")
    assert all(len(line) <= 76 for line in rest)
    assert "machine" in text_of(mail)
    assert "Bonjour &lt;b&gt;Hélène&lt;/b&gt;" in text_of(mail, "html")
    assert '<a href="tel:5145551234"' in text_of(mail, "html")
    assert "machine" not in text_of(written(language=language)) + text_of(written(language=language), "html")


def test_a_short_notice_has_the_first_words():
    page = text_of(written("page", transcript="Rappelez-moi avant midi. " * 30))
    assert ", mercredi 18 novembre 2026 à 11 h 06 : Rappelez-moi avant midi." in page
    assert len(page) <= 301


def test_an_english_mail():
    mail = written(language="en", urgent=True, new=2, old=1, attached=False, forwarded_by="1002@default", cut=True)
    assert mail["Subject"] == "Urgent voicemail from Zoé Bélanger (5145551234)"
    assert mail["Importance"] == "high"
    body = text_of(mail)
    assert "You have a new urgent voice message in mailbox 1001." in body
    assert "Forwarded by mailbox 1002\n" in body
    assert "The recording was interrupted" in body
    assert "To hear it, call your voicemail." in body
    assert body.endswith("Your mailbox holds 2 new messages and 1 old.\n")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Écouter, supprimer ou transférer dans le navigateur : "),
        ("en", "Listen, delete or forward in the browser: "),
    ],
)
def test_a_mail_has_the_link_in_both_its_parts_where_there_is_one(language, words):
    link = "https://voicemail.example.com/listen/" + "x" * 120
    mail = written(language=language, link=link)
    assert f"{words}{link}\n" in text_of(mail)
    assert f'href="{link}"' in text_of(mail, "html")
    without = written(language=language)
    assert "navigateur" not in text_of(without) + text_of(without, "html")
    assert "rowser" not in text_of(without) + text_of(without, "html")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize("forwarded", ["", "1002@default"])
def test_no_mail_has_a_hole_or_three_blank_lines(language, urgent, forwarded):
    mail = written(language=language, urgent=urgent, forwarded_by=forwarded, owner="", cut=urgent, deleted=urgent)
    assert "\n\n\n" not in text_of(mail)
    assert "None" not in text_of(mail)
    assert " ," not in text_of(mail)


def test_the_headers_that_mail_systems_look_for():
    mail = written()
    assert mail["Message-ID"] == "<19f2a7.abc@pbx.example.com>"
    assert mail["Date"].datetime == ENVELOPE.date
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["List-Id"] == "<1001.default.voicemail.pbx.example.com>"
    assert mail["Reply-To"] == "help@example.com"
    assert mail["To"] == "helene@example.com"


def test_the_sound_is_attached_under_its_name():
    [sound] = written().iter_attachments()
    assert (sound.get_content_type(), sound.get_filename()) == ("audio/x-wav", "message-20261118-110640.wav")
    assert sound.get_content() == SOUND.data


def test_the_same_news_make_the_same_mail_but_for_the_boundary():
    one, two = (written().as_string() for _ in range(2))
    lines = [[line for line in mail.splitlines() if "===" not in line] for mail in (one, two)]
    assert lines[0] == lines[1]


def test_a_page_is_one_short_line_without_sound():
    page = written("page", urgent=True)
    assert text_of(page) == (
        "Message vocal URGENT : Zoé Bélanger (5145551234), 12 secondes, mercredi 18 novembre 2026 à 11 h 06\n"
    )
    assert list(page.iter_attachments()) == []
    assert len(text_of(written("page", caller="x" * 1000))) <= 301


@pytest.mark.parametrize("field", ["caller", "caller_name", "owner", "forwarded_by", "number"])
@pytest.mark.parametrize("what", ["mail", "page"])
def test_a_name_with_line_breaks_and_markup_forges_nothing(field, what):
    mail = written(what, **{field: NASTY})
    assert mail["Bcc"] is None
    assert mail.get_all("To") == ["helene@example.com"]
    assert "\n" not in mail["Subject"]
    assert "49" not in mail["Subject"]
    if what == "mail":
        assert "<script>" not in text_of(mail, "html")


def test_the_call_it_came_by_is_in_the_headers_and_known_to_templates(tmp_path):
    (tmp_path / "message.fr.txt").write_text("{{ call.dialled }} {{ call.label }}", "utf-8")
    call = CallDetails("5360@x", "1017-a3", "15145550123", label="Ventes été")
    for what in ("mail", "page"):
        mail = written(what, letters=MailTemplates(tmp_path), call=call)
        assert {name: text for name, text in mail.items() if name.startswith("X-Voicemail")} == {
            "X-Voicemail-Call-Id": "5360@x",
            "X-Voicemail-Call-Uuid": "1017-a3",
            "X-Voicemail-Dialled": "15145550123",
            "X-Voicemail-Label": "Ventes été",
        }
    assert text_of(written(letters=MailTemplates(tmp_path), call=call)) == "15145550123 Ventes été\n"


def test_a_sender_name_with_a_line_break_forges_nothing():
    mail = written(envelope=replace(ENVELOPE, sender_name="Voice\r\nBcc: all@example.com"))
    assert mail["Bcc"] is None


def test_an_administrator_s_own_template_comes_first_and_the_others_stay(tmp_path):
    (tmp_path / "subject.fr.txt").write_text("[{{ number }}] {{ caller_name }} à {{ received_iso }}", "utf-8")
    letters = MailTemplates(tmp_path)
    letters.check()
    mail = written(letters=letters)
    assert mail["Subject"] == "[1001] Zoé Bélanger à 2026-11-18T11:06:40-05:00"
    assert "Bonjour" in text_of(mail)


def test_templates_that_can_t_be_filled_in_are_all_named_before_the_start(tmp_path):
    (tmp_path / "subject.fr.txt").write_text("{{ caler }}", "utf-8")
    (tmp_path / "message.en.html").write_text("{% if %}", "utf-8")
    (tmp_path / "page.en.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError) as error:
        MailTemplates(tmp_path).check()
    assert len(error.value.problems) == 3
    assert "subject.fr.txt" in str(error.value)
    assert "'caler' is undefined" in str(error.value)


def test_the_built_in_templates_can_be_filled_in():
    MailTemplates().check()


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("alice@example.com", ["alice@example.com"], []),
        (" a@x.ca, b@y.ca;c@z.ca|a@x.ca ", ["a@x.ca", "b@y.ca", "c@z.ca"], []),
        ("alice.o'neil+vm@x.ca", ["alice.o'neil+vm@x.ca"], []),
        ("zoé@bébé.example", ["zoé@xn--bb-bjab.example"], []),
        ("alice@localhost", ["alice@localhost"], []),
        ("", [], []),
        ("alice", [], ["alice"]),
        ("a@b@c.ca <a@b.ca> @x.ca a@", [], ["a@b@c.ca", "<a@b.ca>", "@x.ca", "a@"]),
        ("a@-x.ca a@x..ca a\x00b@x.ca", [], ["a@-x.ca", "a@x..ca", "a\x00b@x.ca"]),
    ],
)
def test_addresses_in_a_field(field, good, bad):
    assert addresses(field) == (good, bad)


def at(year, month, day, hour, minute, zone="America/Toronto"):
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("moment", "zone", "french", "english"),
    [
        (
            at(2026, 12, 1, 0, 5),
            "America/Toronto",
            "mardi 1er décembre 2026 à 0 h 05",
            "Tuesday, December 1, 2026 at 12:05 a.m.",
        ),
        (
            at(2026, 7, 4, 12, 0),
            "America/Toronto",
            "samedi 4 juillet 2026 à 12 h 00",
            "Saturday, July 4, 2026 at 12:00 p.m.",
        ),
        (
            at(2026, 11, 1, 1, 30, "UTC"),
            "America/Halifax",
            "samedi 31 octobre 2026 à 22 h 30",
            "Saturday, October 31, 2026 at 10:30 p.m.",
        ),
        (
            at(2026, 11, 1, 6, 30, "UTC"),  # the second 1:30 of the night the clocks go back
            "America/Toronto",
            "dimanche 1er novembre 2026 à 1 h 30",
            "Sunday, November 1, 2026 at 1:30 a.m.",
        ),
    ],
)
def test_dates_on_the_mailbox_s_clock(moment, zone, french, english):
    local = wording.local_time(moment, zone, "UTC")
    assert wording.date_and_time(local, "fr").replace("\u00a0", " ") == french
    assert wording.date_and_time(local, "en").replace("\u00a0", " ") == english


def test_a_zone_that_is_none_is_the_default_one():
    for zone in ("", "Nowhere/Land", "../etc/passwd", "\x00"):
        assert wording.local_time(0, zone, "UTC") == datetime.fromtimestamp(0, UTC)


@pytest.mark.parametrize(
    ("milliseconds", "french", "english"),
    [
        (0, "1 seconde", "1 second"),
        (1400, "1 seconde", "1 second"),
        (1600, "2 secondes", "2 seconds"),
        (59600, "1 minute", "1 minute"),
        (61000, "1 minute 1 seconde", "1 minute 1 second"),
        (125000, "2 minutes 5 secondes", "2 minutes 5 seconds"),
        (3_600_000, "60 minutes", "60 minutes"),
    ],
)
def test_lengths(milliseconds, french, english):
    assert (wording.length(milliseconds, "fr"), wording.length(milliseconds, "en")) == (french, english)


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        ("Zoé", "514", "Zoé (514)"),
        ("", "514", "514"),
        ("514", "514", "514"),
        ("Zoé", "", "Zoé"),
        ("", "", "numéro inconnu"),
    ],
)
def test_callers(name, number, said):
    assert wording.caller(name, number, "fr") == said


def test_languages_are_cut_to_the_two_there_are():
    assert [wording.language_of(tag, "fr") for tag in ("fr_CA", "EN", "de", "")] == ["fr", "en", "fr", "fr"]
