"""Every menu as an enum of its keys: the key map, the order in the guide, and the check that none is forgotten.

The callers' guide's key tables are made from these; each member's words are in GUIDE, French and English.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Self


class Menu(Enum):
    """A menu: its members' values are keys."""

    @classmethod
    @cache  # every key of every call comes by here
    def of(cls, key: str | None) -> Self | None:
        """What a key chooses here; None if it chooses nothing, or is none."""
        try:
            return cls(key)
        except ValueError:
            return None


class MainMenu(Menu):
    """The main menu (guide: Menu principal), before and after a message."""

    LISTEN = "1"
    CHANGE_FOLDER = "2"
    ADVANCED = "3"
    PREVIOUS = "4"
    REPEAT = "5"
    NEXT = "6"
    DELETE = "7"
    FORWARD = "8"
    SAVE = "9"
    OPTIONS = "0"
    HELP = "*"
    LEAVE = "#"


class WhileListening(Menu):
    """Keys while a message plays (guide: pendant l'écoute); the other digits act at once as in the main menu."""

    BACK = "*"
    AHEAD = "#"
    PAUSE = "0"
    RESTART = "2"


class FolderMenu(Menu):
    """The folder list of 2 and 9 (guide: Changer de dossier); 5 to 9 are accepted and not spoken."""

    NEW = "0"
    OLD = "1"
    WORK = "2"
    FAMILY = "3"
    FRIENDS = "4"
    CUST1 = "5"
    CUST2 = "6"
    CUST3 = "7"
    CUST4 = "8"
    CUST5 = "9"
    CANCEL = "#"
    AGAIN = "*"


class AdvancedMenu(Menu):
    """Advanced options (guide: Options avancées)."""

    REPLY = "1"
    CALL_BACK = "2"
    ENVELOPE = "3"
    OUTGOING_CALL = "4"
    SEND = "5"
    TRASH = "7"
    BACK = "*"
    LEAVE = "#"


class OptionsMenu(Menu):
    """Mailbox options (guide: Options de la boite vocale)."""

    UNAVAILABLE = "1"
    BUSY = "2"
    NAME = "3"
    TEMPORARY = "4"
    PIN = "5"
    GREETINGS = "6"
    BACK = "*"


class GreetingKindMenu(Menu):
    """0 6: of which greeting."""

    UNAVAILABLE = "1"
    BUSY = "2"
    BACK = "*"


class NumberedMenu(Menu):
    """0 6, a kind and a number: one of the nine recordings, after it was heard."""

    CHOOSE = "1"
    LISTEN = "2"
    AGAIN = "3"
    ERASE = "7"
    BACK = "*"


class TemporaryMenu(Menu):
    """0 4 where a temporary greeting exists."""

    RECORD = "1"
    ERASE = "2"
    BACK = "*"


class ReviewMenu(Menu):
    """After a recording (guide: Après l'enregistrement d'un message); 4 and 0 are for callers only."""

    ACCEPT = "1"
    LISTEN = "2"
    AGAIN = "3"
    URGENT = "4"
    OPERATOR = "0"


class ForwardMenu(Menu):
    """How to forward (8), once the recipients are chosen."""

    WITH_INTRODUCTION = "1"
    AS_IT_IS = "2"
    CANCEL = "*"


class RecipientMenu(Menu):
    """Whether a recipient is typed or found by name."""

    NUMBER = "1"
    DIRECTORY = "2"
    CANCEL = "*"


class CallBackMenu(Menu):
    """3 2: call the number of the message, or another."""

    CALL = "1"
    OTHER = "2"
    CANCEL = "*"


class DirectoryMenu(Menu):
    """A name found in the directory."""

    THIS_ONE = "1"
    NEXT = "*"


GUIDE: dict[type[Menu], dict[str, tuple[str, str]]] = {
    MainMenu: {
        "1": ("Écouter les messages", "Listen to messages"),
        "2": ("Changer de dossier", "Change folder"),
        "3": ("Options avancées", "Advanced options"),
        "4": ("Message précédent", "Previous message"),
        "5": ("Répéter le message", "Repeat the message"),
        "6": ("Message suivant", "Next message"),
        "7": ("Effacer le message, ou le récupérer", "Delete the message, or restore it"),
        "8": ("Transférer le message à une autre boîte vocale", "Forward the message to another mailbox"),
        "9": ("Conserver le message dans un dossier", "Keep the message in a folder"),
        "0": ("Options de la boîte vocale", "Mailbox options"),
        "*": ("Aide", "Help"),
        "#": ("Quitter", "Leave"),
    },
    WhileListening: {
        "*": ("Reculer de 3 secondes", "Back 3 seconds"),
        "#": ("Avancer de 3 secondes", "Ahead 3 seconds"),
        "0": ("Pause ; 0 encore pour reprendre", "Pause; 0 again to go on"),
        "2": ("Reprendre au début (non annoncé)", "From the start (not announced)"),
    },
    FolderMenu: {
        "0": ("Nouveaux messages", "New messages"),
        "1": ("Anciens messages", "Old messages"),
        "2": ("Travail", "Work"),
        "3": ("Famille", "Family"),
        "4": ("Amis", "Friends"),
        "5": ("Dossier 5 (non annoncé)", "Folder 5 (not announced)"),
        "6": ("Dossier 6 (non annoncé)", "Folder 6 (not announced)"),
        "7": ("Dossier 7 (non annoncé)", "Folder 7 (not announced)"),
        "8": ("Dossier 8 (non annoncé)", "Folder 8 (not announced)"),
        "9": ("Dossier 9 (non annoncé)", "Folder 9 (not announced)"),
        "#": ("Annuler", "Cancel"),
        "*": ("Réentendre la liste", "Hear the list again"),
    },
    AdvancedMenu: {
        "1": ("Répondre à l’expéditeur, s’il a une boîte vocale", "Reply to the sender, if they have a mailbox"),
        "2": ("Rappeler l’expéditeur (si permis)", "Call the sender back (if allowed)"),
        "3": ("Entendre la date, l’heure et l’expéditeur", "Hear when it came and from whom"),
        "4": ("Faire un appel (si permis)", "Place a call (if allowed)"),
        "5": ("Envoyer un message vocal", "Send a voice message"),
        "7": (
            "Messages effacés : les réentendre, les récupérer (non annoncé)",
            "Deleted messages: hear them, bring them back (not announced)",
        ),
        "*": ("Retour au menu principal", "Back to the main menu"),
        "#": ("Quitter", "Leave"),
    },
    OptionsMenu: {
        "1": ("Enregistrer le message de non-disponibilité", "Record the unavailable greeting"),
        "2": ("Enregistrer le message occupé", "Record the busy greeting"),
        "3": ("Enregistrer son nom", "Record your name"),
        "4": ("Message temporaire / de vacances", "Temporary / holiday greeting"),
        "5": ("Changer le mot de passe", "Change the PIN"),
        "6": (
            "Plusieurs messages d’accueil de chaque sorte, selon l’heure et l’appelant",
            "Several greetings of each kind, by time and caller",
        ),
        "*": ("Retour au menu principal", "Back to the main menu"),
    },
    GreetingKindMenu: {
        "1": ("Messages de non-disponibilité", "Unavailable greetings"),
        "2": ("Messages occupés", "Busy greetings"),
        "*": ("Retour", "Back"),
    },
    NumberedMenu: {
        "1": (
            "Le choisir (les appelants l’entendent, sauf si une règle en nomme un autre)",
            "Choose it (callers hear it, unless a rule names another)",
        ),
        "2": ("Réentendre", "Listen"),
        "3": ("Enregistrer de nouveau", "Record again"),
        "7": ("Effacer", "Erase"),
        "*": ("Retour", "Back"),
    },
    TemporaryMenu: {
        "1": ("Enregistrer de nouveau", "Record again"),
        "2": ("Effacer", "Erase"),
        "*": ("Retour", "Back"),
    },
    ReviewMenu: {
        "1": ("Accepter", "Accept"),
        "2": ("Réentendre", "Listen"),
        "3": ("Recommencer l’enregistrement", "Record again"),
        "4": ("Marquer urgent, ou non urgent (pour les appelants)", "Mark urgent, or not urgent (callers only)"),
        "0": ("Rejoindre la réception (si configurée, pour les appelants)", "Reception (if configured, callers only)"),
    },
    ForwardMenu: {
        "1": ("Avec une introduction parlée", "With a spoken introduction"),
        "2": ("Tel quel", "As it is"),
        "*": ("Annuler", "Cancel"),
    },
    RecipientMenu: {
        "1": ("Composer le numéro de boîte vocale", "Dial the mailbox number"),
        "2": ("Chercher par le nom", "Find by name"),
        "*": ("Annuler", "Cancel"),
    },
    CallBackMenu: {
        "1": ("Appeler ce numéro", "Call this number"),
        "2": ("Composer un autre numéro", "Dial another number"),
        "*": ("Annuler", "Cancel"),
    },
    DirectoryMenu: {
        "1": ("C’est la bonne personne", "This is the right person"),
        "*": ("Personne suivante", "Next person"),
    },
}
