"""Notifications about the security of an account, in its list, after events of other features. The mails about them are
those of the features."""

from typing import TypeAlias
from uuid import UUID

from api.kernel import Event, Transaction
from api.notifications import queries
from api.notifications.sending import notify
from api.notifications.types import Content
from api.sessions.events import SessionEnded, SessionStarted
from api.users.events import EmailChanged, EmailChangeReverted, PasswordChanged

Alarming: TypeAlias = PasswordChanged | EmailChanged | EmailChangeReverted | SessionStarted | SessionEnded

# The kind after `security.`: the page, and subject and text in each language of accounts.
TEXTS = {
    "password_changed": (
        "/account/password",
        {
            "en": ("Your password was changed", "If you did not do this, set a new password now."),
            "de": (
                "Ihr Passwort wurde geändert",
                "Wenn Sie das nicht waren, legen Sie sofort ein neues Passwort fest.",
            ),
        },
    ),
    "email_changed": (
        "/account/email",
        {
            "en": ("Your e-mail address was changed", "If you did not do this, set a new password now."),
            "de": (
                "Ihre E-Mail-Adresse wurde geändert",
                "Wenn Sie das nicht waren, legen Sie sofort ein neues Passwort fest.",
            ),
        },
    ),
    "email_reverted": (
        "/account/email",
        {
            "en": ("The change of your e-mail address was reverted", "The password was removed; choose a new one."),
            "de": (
                "Die Änderung Ihrer E-Mail-Adresse wurde rückgängig gemacht",
                "Das Passwort wurde entfernt; legen Sie ein neues fest.",
            ),
        },
    ),
    "new_device": (
        "/account/sessions",
        {
            "en": ("A new device signed in", "If this was not you, sign it out and set a new password."),
            "de": (
                "Ein neues Gerät hat sich angemeldet",
                "Wenn Sie das nicht waren, melden Sie es ab und legen Sie ein neues Passwort fest.",
            ),
        },
    ),
    "token_reused": (
        "/account/sessions",
        {
            "en": ("A device was signed out", "A token of it was used twice and may have been copied."),
            "de": (
                "Ein Gerät wurde abgemeldet",
                "Ein Schlüssel des Geräts wurde zweimal verwendet und womöglich kopiert.",
            ),
        },
    ),
}


async def notify_owner(db: Transaction, id: UUID, event: Alarming) -> None:
    """Notify the account, once for the id."""
    what = _what(event)
    if what is None:
        return
    link, texts = TEXTS[what]
    language = await queries.find_language(db, event.user_id)
    if language is not None:
        subject, text = texts[language]
        content = Content(f"security.{what}", "security", subject, text, link)
        await notify(db, id, [event.user_id], content, mails=False)


def _what(event: Event) -> str | None:
    """The kind of an event after `security.`; None for one that is no news to the owner."""
    match event:
        case PasswordChanged():
            return "password_changed"
        case EmailChanged():
            return "email_changed"
        case EmailChangeReverted():
            return "email_reverted"
        case SessionStarted(new_device=True):
            return "new_device"
        case SessionEnded(reason="reuse"):
            return "token_reused"
    return None
