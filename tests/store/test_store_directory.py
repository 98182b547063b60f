"""Dial by name: found by the first letters of first or last name, as a telephone's keys have them."""

from __future__ import annotations

import re
import unicodedata
from string import ascii_uppercase

import fakeredis
import pytest
from store_case import Case

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.names import keypad_name


def keypad(word):
    """The keys of a word; accents are left out."""
    plain = unicodedata.normalize("NFKD", word.upper())
    return re.sub("[^0-9]", "", plain.translate(str.maketrans(ascii_uppercase, "22233344455566677778889999")))


def found(case, keys, *, first=False, domain="default"):
    return [box.name for box in case.store.directory.by_keys(domain, keys, by_first_name=first)]


def staff(case, *names, **fields):
    for number, name in enumerate(names, 2001):
        case.with_mailbox(MailboxId(str(number)), name=name, **fields)
    return case


def test_by_last_name_and_by_first_name(case):
    staff(case, "Alice Martin", "Bob Tremblay", "Martine Roy")
    assert found(case, "627") == ["Alice Martin"]
    assert found(case, "627", first=True) == ["Martine Roy"]
    assert found(case, "873625", first=False) == ["Bob Tremblay"]


def test_in_the_order_of_names_accents_not_counting(case):
    staff(case, "Zoé Martin", "Éric Marcoux", "Anne Martel", "Emma Marcil", "Ève Narbonne")
    assert found(case, "627") == ["Anne Martel", "Emma Marcil", "Éric Marcoux", "Ève Narbonne", "Zoé Martin"]


def test_fewer_than_three_keys_find_nobody_nor_does_what_is_no_key(case):
    staff(case, "Alice Martin")
    assert [found(case, keys) for keys in ("", "6", "62", "6*7", "62٧", "[627")] == [[]] * 6


def test_more_keys_than_the_index_holds_are_compared_with_the_name(case):
    staff(case, "Guy Charlebois-Vaillancourt", "Luc Charlebois-Vachon")
    assert len(found(case, keypad("CHARLEBOISVA"))) == 2
    assert found(case, keypad("CHARLEBOISVAI")) == ["Guy Charlebois-Vaillancourt"]


def test_who_is_hidden_is_left_out(case):
    staff(case, "Alice Martin")
    case.with_mailbox(MailboxId("3001"), name="Bea Martin", hidefromdir="yes")
    assert found(case, "627") == ["Alice Martin"]
    case.registry.change(MailboxId("3001"), {"hidefromdir": "no"})
    assert found(case, "627") == ["Alice Martin", "Bea Martin"]


def test_all_are_hidden_by_default_where_the_settings_say_so():
    case = staff(Case(fakeredis.FakeRedis(), hidefromdir=True), "Alice Martin")
    case.with_mailbox(MailboxId("3001"), name="Bea Martin", hidefromdir="no")
    assert found(case, "627") == ["Bea Martin"]


def test_other_domains_are_others(case):
    case.with_mailbox(MailboxId("1", "a"), name="Alice Martin").with_mailbox(MailboxId("1", "b"), name="Bea Martin")
    assert found(case, "627", domain="a") == ["Alice Martin"]


def test_a_new_name_is_found_and_the_old_one_is_not(case):
    staff(case, "Alice Martin")
    case.registry.change(MailboxId("2001"), {"name": "Alice Gagnon"})
    assert (found(case, "627"), found(case, "424")) == ([], ["Alice Gagnon"])
    case.registry.change(MailboxId("2001"), {}, unset=["name"])
    assert found(case, "424") == []


def test_renamed_by_two_at_once_the_index_follows_the_name_that_stands(case):
    staff(case, "Alice Martin")
    case.meanwhile(lambda: case.registry.change(MailboxId("2001"), {"name": "Alice Roy"}))
    case.registry.change(MailboxId("2001"), {"name": "Alice Gagnon"})
    assert found(case, "424") == ["Alice Gagnon"]
    keys = case.store.link.run(
        None, lambda c: [m for p in range(16) for m in c.zrange(f"vm:{{p{p:02d}}}:names:default", 0, -1)]
    )
    assert keys == [b"25423 2001", b"42466 2001"]


def test_a_name_changed_by_hand_is_found_after_reindexing(real):
    staff(real, "Alice Martin")
    key = real.store.keys.of(MailboxId("2001")).box
    real.store.link.run(None, lambda c: c.hset(key, "name", "Alice Roy"))
    assert found(real, "627") == []  # the index leads there, the name says no
    real.registry.reindex(MailboxId("2001"))
    assert found(real, "769") == ["Alice Roy"]


def test_more_than_are_ordered_at_once(real, monkeypatch):
    monkeypatch.setattr("esl_vm.store.directory.MOST", 4)
    staff(real, *(f"Anne {letter}artin" for letter in "MNOMNOMNOMNO"))
    assert len(found(real, "627")) == 12


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Luc Émond", ["LUC"], ["EMOND", "ÉMOND"]),
        ("Marie-Claude Tremblay", ["MARIE", "MARIECLAUDE", "CLAUDE"], ["TREMBLAY"]),
        ("Jean Pierre Lévesque", ["JEAN", "JEANPIERRE", "PIERRE"], ["LEVESQUE"]),
        ("Luc St-Onge", ["LUC"], ["STONGE", "SAINTONGE", "ONGE"]),
        ("Luc Saint-Onge", ["LUC"], ["STONGE", "SAINTONGE", "ONGE"]),
        ("Ève Ste-Marie", ["EVE"], ["STEMARIE", "SAINTEMARIE", "MARIE"]),
        ("Ève St. Pierre", ["EVE"], ["STPIERRE", "SAINTPIERRE", "PIERRE"]),
        ("Guy L'Heureux", ["GUY"], ["LHEUREUX", "HEUREUX"]),
        ("Guy D’Amours", ["GUY"], ["DAMOURS", "AMOURS"]),
        ("Sean O'Neil", ["SEAN"], ["ONEIL", "NEIL"]),
        ("Anne de la Sablonnière", ["ANNE"], ["DELASABLONNIERE", "LASABLONNIERE", "SABLONNIERE"]),
        ("Lise Gagnon-Roy", ["LISE"], ["GAGNON", "GAGNONROY", "ROY"]),
        ("Françoise Leboeuf", ["FRANCOISE"], ["LEBOEUF"]),
        ("Françoise LeBœuf", ["FRANCOISE"], ["LEBOEUF"]),
        ("Tremblay, Jean", ["JEAN"], ["TREMBLAY"]),
        ("Saint-Laurent, Marie Ève", ["MARIE", "MARIEEVE", "EVE"], ["SAINTLAURENT", "STLAURENT"]),
        ("Réception", ["RECEPTION"], ["RECEPTION"]),
        ("Kim Ng", ["KIM"], ["NGK"]),
        ("Ludwig van Beethoven", ["LUDWIG"], ["VANBEETHOVEN", "BEETHOVEN"]),
        ("Ýrsa Þórsdóttir", ["YRSA"], ["THORSDOTTIR"]),
        ("Salle 204", ["SALLE"], ["204"]),
        ("Quentin Zérah", ["783"], ["937"]),
    ],
)
def test_who_is_found_by_what(name, first, last):
    keys = keypad_name(name)
    for word in first:
        assert keys.begins(keypad(word), by_first_name=True), word
    for word in last:
        assert keys.begins(keypad(word), by_first_name=False), word


@pytest.mark.parametrize(("name", "not_first", "not_last"), [("Luc Roy", "ROY", "LUC"), ("Anne de Roy", "ROY", "ANNE")])
def test_who_is_not(name, not_first, not_last):
    keys = keypad_name(name)
    assert not keys.begins(keypad(not_first), by_first_name=True)
    assert not keys.begins(keypad(not_last), by_first_name=False)


@pytest.mark.parametrize("name", ["", " ", "--", "張偉", "'"])
def test_a_name_without_letters_of_the_keypad_has_no_keys(name):
    assert keypad_name(name).index == ()


FIRST = """Éric Zoé Benoît Marie-Ève Jean-François Chloé François Noémie Hélène Loïc Anaïs Joël Raphaël Gaëtan Thérèse
Mélanie Stéphane Geneviève André Cédric Océane Élodie Maëlle Jérôme Véronique Félix Léa Rémi Sébastien Zacharie
Quentin Xavier Yves Ursule Wilfrid Kévin Ophélie Isaïe Ghislain Ioana""".replace("\n", " ").split(" ")
LAST = """Tremblay|Gagnon|Roy|Côté|Bouchard|Gauthier|Morin|Lavoie|Fortin|Gagné|Ouellet|Pelletier|Bélanger|Lévesque|
Bergeron|Leblanc|Paquette|Girard|Simard|Boucher|Caron|Beaulieu|Cloutier|Dubé|Poirier|Fournier|Lapointe|Leclerc|Lefebvre|
Poulin|Thibault|St-Pierre|Nadeau|Martin|Landry|Martel|Bédard|Grenier|Lessard|Bernier|Richard|Michaud|Hébert|Desjardins|
Couture|Turcotte|Lachance|Parent|Blais|Gosselin|Savard|Proulx|Beaudoin|Demers|Perreault|Boudreau|Lemieux|Cyr|Perron|
Dufour|Dion|Mercier|Bolduc|Bérubé|Boisvert|Langlois|Ménard|Therrien|Plante|Bilodeau|Blanchette|Dubois|Champagne|Paradis|
Fortier|Arsenault|Dupuis|Gaudreault|Hamel|Houle|Villeneuve|Rousseau|Gravel|Thériault|Lemay|Robert|Allard|Deschênes|Giroux|
Guay|Leduc|Boivin|Charbonneau|Lambert|Raymond|Vachon|Gilbert|Audet|Jean|Larouche|Legault|Trudel|Fontaine|Picard|Labelle|
Lacroix|Jacques|Moreau|Carrier|Bernard|Desrosiers|Goulet|Renaud|Dionne|Lapierre|Vaillancourt|Fillion|Lalonde|Tessier|
Bertrand|Tardif|Lepage|Gingras|Benoît|Rioux|Giguère|Drouin|Harvey|Lauzon|Nguyen|Gendron|Boutin|Laflamme|Vallée|Dumont|
Breton|Paré|Paquin|Robitaille|Gélinas|Duchesne|Lussier|Séguin|Veilleux|Potvin|Gervais|Pépin|Laroche|Morissette|Charron|
Lavallée|Laplante|Chabot|Brunet|Vézina|Desrochers|Labrecque|Coulombe|Saint-Jean|Ste-Marie|L'Écuyer|L'Heureux|D'Amour|
De Grandpré|O'Brien|Van Houtte|Saint-Germain|Quirion|Zizka""".replace("\n", "").split("|")


def test_every_one_of_many_quebec_names_is_reachable_by_first_and_by_last_name(real):
    people = {f"{FIRST[number % len(FIRST)]} {last}": number for number, last in enumerate(LAST)}
    assert len(people) >= 150
    staff(real, *people)
    for name in people:
        first, last = name.split(" ", 1)
        assert name in found(real, keypad(first)[:3], first=True), name
        assert name in found(real, (keypad(last) + keypad(first))[:3]), name
        assert name in found(real, keypad(first), first=True), name
        assert name in found(real, keypad(last.replace("Saint", "St"))), name
        assert name in found(real, keypad(last.replace("St-", "Saint-").replace("Ste-", "Sainte-"))), name
