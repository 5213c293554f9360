"""Events of this feature."""

from typing import Annotated, ClassVar

from api.kernel import Event, Label, Person, Thing


class MailRepeated(Event, frozen=True, tag="mails.repeated"):
    """An administrator had a mail sent to the account again. `mail_id` is the new mail."""

    live: ClassVar[bool] = True
    mail_id: Thing
    user_id: Person
    template: Annotated[str, Label]
