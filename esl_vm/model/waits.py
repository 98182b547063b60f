"""How long the conversation waits, and how often it asks again: Comedian Mail's figures, as settings."""

from dataclasses import dataclass

from esl_vm.model.units import Milliseconds


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds and counts; the defaults are what callers of Comedian Mail are used to.

    Args:
        menu_ms: milliseconds for a key after a menu's last prompt. operator_extra_ms: more of them, where 0 is offered.
        folder_item_ms: milliseconds for a key after each folder of the list. folder_ms: and at its end.
        keep_ms: milliseconds for a key after "keep before operator". directory_ms: for the choice of name or number.
        first_digit_ms, next_digit_ms: milliseconds for the first and each next digit of mailbox, PIN or recipient.
        number_first_ms, number_second_ms, number_next_ms: milliseconds for the digits of a telephone number to dial.
        main_times, menu_times, folder_times, recipient_times, number_times, review_times: rounds before giving up.
        new_pin_times: attempts of a new owner at choosing a PIN.
    """

    menu_ms: Milliseconds = Milliseconds(6000)
    operator_extra_ms: Milliseconds = Milliseconds(600)
    folder_item_ms: Milliseconds = Milliseconds(500)
    folder_ms: Milliseconds = Milliseconds(4000)
    keep_ms: Milliseconds = Milliseconds(3000)
    directory_ms: Milliseconds = Milliseconds(3000)
    first_digit_ms: Milliseconds = Milliseconds(10000)
    next_digit_ms: Milliseconds = Milliseconds(2000)
    number_first_ms: Milliseconds = Milliseconds(6000)
    number_second_ms: Milliseconds = Milliseconds(10000)
    number_next_ms: Milliseconds = Milliseconds(6000)
    main_times: int = 3
    menu_times: int = 4
    folder_times: int = 4
    recipient_times: int = 5
    number_times: int = 3
    review_times: int = 4
    new_pin_times: int = 3
