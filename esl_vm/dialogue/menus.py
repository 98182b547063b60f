"""Every menu as an enum of its keys: the key map, the order in the guide, and the check that none is forgotten.

The callers' guide's key tables are made from these: each member has the words for it, French and English.
"""

from __future__ import annotations

from enum import Enum
from typing import Self, cast


class Menu(Enum):
    """A menu: its members' values are keys."""

    _value_: str
    words: tuple[str, ...]

    def __new__(cls, key: str, *words: str) -> Self:
        """A key, and what the guide says of it in French and in English."""
        choice = object.__new__(cls)
        choice._value_ = key
        choice.words = words
        return choice

    @classmethod
    def of(cls, key: str | None) -> Self | None:
        """What a key chooses here; None if it chooses nothing, or is none."""
        return cast("Self | None", cls._value2member_map_.get(key))


class MainMenu(Menu):
    """The main menu (guide: Menu principal), before and after a message."""

    LISTEN = "1", "Écouter les messages", "Listen to messages"
    CHANGE_FOLDER = "2", "Changer de dossier", "Change folder"
    ADVANCED = "3", "Options avancées", "Advanced options"
    PREVIOUS = "4", "Message précédent", "Previous message"
    REPEAT = "5", "Répéter le message", "Repeat the message"
    NEXT = "6", "Message suivant", "Next message"
    DELETE = "7", "Effacer le message, ou le récupérer", "Delete the message, or restore it"
    FORWARD = "8", "Transférer le message à une autre boîte vocale", "Forward the message to another mailbox"
    SAVE = "9", "Conserver le message dans un dossier", "Keep the message in a folder"
    OPTIONS = "0", "Options de la boîte vocale", "Mailbox options"
    HELP = "*", "Aide", "Help"
    LEAVE = "#", "Quitter", "Leave"


class WhileListening(Menu):
    """Keys while a message plays (guide: pendant l'écoute); the other digits act at once as in the main menu."""

    BACK = "*", "Reculer de 3 secondes", "Back 3 seconds"
    AHEAD = "#", "Avancer de 3 secondes", "Ahead 3 seconds"
    PAUSE = "0", "Pause ; 0 encore pour reprendre", "Pause; 0 again to go on"
    RESTART = "2", "Reprendre au début (non annoncé)", "From the start (not announced)"


class WhilePaused(Menu):
    """Keys in the pause that change how messages are heard, and go on."""

    SLOWER = "*", "Plus lentement (non annoncé)", "Slower (not announced)"
    FASTER = "#", "Plus vite (non annoncé)", "Faster (not announced)"
    LOUDER = "2", "Plus fort (non annoncé)", "Louder (not announced)"


class FolderMenu(Menu):
    """The folder list of 2 and 9 (guide: Changer de dossier); 5 to 9 are accepted and not spoken."""

    NEW = "0", "Nouveaux messages", "New messages"
    OLD = "1", "Anciens messages", "Old messages"
    WORK = "2", "Travail", "Work"
    FAMILY = "3", "Famille", "Family"
    FRIENDS = "4", "Amis", "Friends"
    CUST1 = "5", "Dossier 5 (non annoncé)", "Folder 5 (not announced)"
    CUST2 = "6", "Dossier 6 (non annoncé)", "Folder 6 (not announced)"
    CUST3 = "7", "Dossier 7 (non annoncé)", "Folder 7 (not announced)"
    CUST4 = "8", "Dossier 8 (non annoncé)", "Folder 8 (not announced)"
    CUST5 = "9", "Dossier 9 (non annoncé)", "Folder 9 (not announced)"
    CANCEL = "#", "Annuler", "Cancel"
    AGAIN = "*", "Réentendre la liste", "Hear the list again"


class AdvancedMenu(Menu):
    """Advanced options (guide: Options avancées)."""

    REPLY = "1", "Répondre à l’expéditeur, s’il a une boîte vocale", "Reply to the sender, if they have a mailbox"
    CALL_BACK = "2", "Rappeler l’expéditeur (si permis)", "Call the sender back (if allowed)"
    ENVELOPE = (
        "3",
        "Entendre la date, l’heure, l’expéditeur et la durée",
        "Hear when it came, from whom, and how long it is",
    )
    OUTGOING_CALL = "4", "Faire un appel (si permis)", "Place a call (if allowed)"
    SEND = "5", "Envoyer un message vocal", "Send a voice message"
    MAIL = (
        "6",
        "Recevoir le message par courriel, à l’adresse de la boîte (non annoncé)",
        "Have the message mailed, to the mailbox’s address (not announced)",
    )
    TRASH = (
        "7",
        "Messages effacés : les réentendre, les récupérer (non annoncé)",
        "Deleted messages: hear them, bring them back (not announced)",
    )
    LATER = (
        "8",
        "Envoyer un message vocal qui arrive plus tard (non annoncé)",
        "Send a voice message that arrives later (not announced)",
    )
    SCHEDULED = (
        "0",
        "Messages qui attendent leur heure : les entendre annoncer, les annuler ; puis les accusés d’écoute (non annoncé)",
        "Messages that wait for their time: hear which, cancel them; then receipts (not announced)",
    )
    HANDLE = (
        "9",
        "Dire que l’on s’occupe du message, à tous ceux qui ouvrent la boîte ; encore une fois : que l’on ne s’en occupe plus (non annoncé)",
        "Tell all who open the mailbox that you handle the message; once more: that you don’t any longer (not announced)",
    )
    BACK = "*", "Retour au menu principal", "Back to the main menu"
    LEAVE = "#", "Quitter", "Leave"


class OptionsMenu(Menu):
    """Mailbox options (guide: Options de la boite vocale)."""

    UNAVAILABLE = "1", "Enregistrer le message de non-disponibilité", "Record the unavailable greeting"
    BUSY = "2", "Enregistrer le message occupé", "Record the busy greeting"
    NAME = "3", "Enregistrer son nom", "Record your name"
    TEMPORARY = "4", "Message temporaire / de vacances", "Temporary / holiday greeting"
    PIN = "5", "Changer le mot de passe", "Change the PIN"
    GREETINGS = (
        "6",
        "Plusieurs messages d’accueil de chaque sorte, selon l’heure et l’appelant",
        "Several greetings of each kind, by time and caller",
    )
    NOTICES = (
        "7",
        "Arrêter les avis de messages, ou les reprendre, si la boîte a des règles d’avis (non annoncé)",
        "Stop the notices of messages, or have them again, if the mailbox has rules for them (not announced)",
    )
    BACK = "*", "Retour au menu principal", "Back to the main menu"


class GreetingKindMenu(Menu):
    """0 6: of which greeting."""

    UNAVAILABLE = "1", "Messages de non-disponibilité", "Unavailable greetings"
    BUSY = "2", "Messages occupés", "Busy greetings"
    BACK = "*", "Retour", "Back"


class NumberedMenu(Menu):
    """0 6, a kind and a number: one of the nine recordings, after it was heard."""

    CHOOSE = (
        "1",
        "Le choisir (les appelants l’entendent, sauf si une règle en nomme un autre)",
        "Choose it (callers hear it, unless a rule names another)",
    )
    LISTEN = "2", "Réentendre", "Listen"
    AGAIN = "3", "Enregistrer de nouveau", "Record again"
    ERASE = "7", "Effacer", "Erase"
    BACK = "*", "Retour", "Back"


class TemporaryMenu(Menu):
    """0 4 where a temporary greeting exists."""

    RECORD = "1", "Enregistrer de nouveau", "Record again"
    ERASE = "2", "Effacer", "Erase"
    BACK = "*", "Retour", "Back"


class ReviewMenu(Menu):
    """After a recording (guide: Après l'enregistrement d'un message); 4 and 0 are for callers only."""

    ACCEPT = "1", "Accepter", "Accept"
    LISTEN = "2", "Réentendre", "Listen"
    AGAIN = "3", "Recommencer l’enregistrement", "Record again"
    URGENT = "4", "Marquer urgent, ou non urgent (pour les appelants)", "Mark urgent, or not urgent (callers only)"
    RECEIPT = (
        "5",
        "Demander un accusé d’écoute, ou non (pour les messages que l’on envoie ; non annoncé)",
        "Ask for a receipt, or not (for messages one sends; not announced)",
    )
    OPERATOR = (
        "0",
        "Rejoindre la réception (si configurée, pour les appelants)",
        "Reception (if configured, callers only)",
    )


class ForwardMenu(Menu):
    """How to forward (8), once the recipients are chosen."""

    WITH_INTRODUCTION = "1", "Avec une introduction parlée", "With a spoken introduction"
    AS_IT_IS = "2", "Tel quel", "As it is"
    LATER = "3", "Tel quel, plus tard (non annoncé)", "As it is, later (not announced)"
    RECEIPT = "5", "Demander un accusé d’écoute, ou non (non annoncé)", "Ask for a receipt, or not (not announced)"
    CANCEL = "*", "Annuler", "Cancel"


class WhenMenu(Menu):
    """When a message is to arrive."""

    TYPED = "1", "Composer l’heure, ou la date et l’heure", "Dial the hour, or the date and the hour"
    MORNING = "2", "Demain à huit heures", "Tomorrow at eight"
    CANCEL = "*", "Annuler", "Cancel"


class ScheduledMenu(Menu):
    """3 0: at each message that waits for its time, and each receipt (which 7 leaves)."""

    CANCEL = "7", "L’annuler", "Cancel it"
    NEXT = "6", "Le suivant", "The next one"
    BACK = "*", "Retour", "Back"


class RecipientMenu(Menu):
    """Whether a recipient is typed or found by name."""

    NUMBER = "1", "Composer le numéro de boîte vocale", "Dial the mailbox number"
    DIRECTORY = "2", "Chercher par le nom", "Find by name"
    CANCEL = "*", "Annuler", "Cancel"


class CallBackMenu(Menu):
    """3 2: call the number of the message, or another."""

    CALL = "1", "Appeler ce numéro", "Call this number"
    OTHER = "2", "Composer un autre numéro", "Dial another number"
    CANCEL = "*", "Annuler", "Cancel"


class NoticeMenu(Menu):
    """A call that announces a message."""

    LISTEN = "1", "Entendre les messages (le mot de passe est demandé)", "Hear the messages (the PIN is asked)"
    LEAVE = (
        "#",
        "Ne plus être appelé à propos de ces messages (non annoncé)",
        "No more calls about these messages (not announced)",
    )


class DirectoryMenu(Menu):
    """A name found in the directory."""

    THIS_ONE = "1", "C’est la bonne personne", "This is the right person"
    NEXT = "*", "Personne suivante", "Next person"
