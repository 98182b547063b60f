"""What is wrong is said in the page's language: every type of problem, every area that doctor looks at, every wrong field."""

import ast
import html
from pathlib import Path
from urllib.parse import urlencode

import pytest

import esl_vm
from esl_vm.web.factory import api_routes
from esl_vm.web.greetings import SOUND
from esl_vm.web.problems import TYPES
from esl_vm.web.wording import Wording, words

FORM = "application/x-www-form-urlencoded"
LANGUAGES = ("fr", "en")


def said_in_both(key):
    french, english = (words(language).get(key, "") for language in LANGUAGES)
    return bool(french and english and french != english)


def test_every_problem_has_a_title_and_says_what_to_do_in_both_languages():
    keys = [key for kind in TYPES for key in (f"problem.{kind}", f"problem.{kind}.help")]
    assert [key for key in keys if not said_in_both(key)] == []


def test_every_problem_of_a_sound_that_a_page_sends_has_words_there():
    sent = {kind for route in api_routes() if route.body == SOUND for kind in route.problems}
    assert sent <= set(Wording("fr", "", 0).problems)


def areas():
    """The first argument of every Finding that is made anywhere."""
    for path in Path(esl_vm.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Finding"
                and node.args
            ):
                area = node.args[0]
                yield area.value if isinstance(area, ast.Constant) else constants[area.id]


def test_every_area_of_doctor_has_a_sentence_in_both_languages():
    found = set(areas())
    assert {"redis", "spool", "transcription"} <= found
    assert [area for area in sorted(found) if not said_in_both(f"finding.{area}")] == []


@pytest.mark.parametrize(
    ("language", "fields", "said"),
    [
        ("fr", {"action": "notices", "email": "nobody"}, "À corriger : Courriel."),
        ("en", {"action": "notices", "email": "nobody"}, "To correct: E-mail."),
        ("fr", {"action": "listening", "timezone": "Atlantis/City"}, "À corriger : Fuseau horaire."),
        ("fr", {"action": "pin", "current": "1", "new": "1357", "again": "2468"}, "Les deux nouveaux NIP ne sont pas"),
        ("en", {"action": "pin", "current": "1", "new": "1357", "again": "2468"}, "The two new PINs are not the same"),
    ],
)
def test_what_is_wrong_in_the_settings_is_said_in_the_mailboxs_language(house, language, fields, said):
    box = house.box(language=language)
    reply = house.owner(box).post(f"/mailbox/{box}/settings", urlencode(fields).encode(), kind=FORM)
    assert reply.status == 422
    page = html.unescape(reply.body.decode())
    assert said in page
    assert "is an e-mail address" not in page
    assert "IANA" not in page


@pytest.mark.parametrize(
    ("address", "fields", "status", "said"),
    [
        ("mailboxes", {"mailbox": "no mailbox"}, 422, "Une valeur n’est pas ce qu’elle devrait être. Corrigez-la"),
        ("mailboxes", {"mailbox": "{box}"}, 409, "Ce numéro est déjà pris. Choisissez-en un autre."),
        ("mailboxes", {"mailbox": "1009@{domain}", "timezone": "Atlantis"}, 422, "À corriger : Fuseau horaire."),
        ("mailboxes/{box}", {"action": "remove", "sure": "yes"}, 422, "Écrivez le nom de la boîte exactement."),
        ("mailboxes/{box}", {"action": "save", "etag": "old"}, 412, "Quelqu’un d’autre l’a changée entre-temps. Voici"),
        ("lists", {"list": "900@{domain}", "members": "7777"}, 422, "À corriger : 7777."),
    ],
)
def test_what_is_wrong_in_an_administrators_form_is_said_in_his_browsers_language(house, address, fields, status, said):
    filled = {"box": house.box(language="fr"), "domain": house.domain}
    marie = house.administrator()
    content = urlencode({name: value.format_map(filled) for name, value in fields.items()}).encode()
    french = {"Accept-Language": "fr-CA"}
    reply = marie.post(f"/admin/{address.format_map(filled)}", content, kind=FORM, headers=french)
    page = " ".join(html.unescape(reply.body.decode()).replace("</strong>", "").split())
    assert (reply.status, said in page) == (status, True), page
