"""What this feature stores about accounts."""

from api.kernel import PersonalTable
from api.users import queries

personal = [
    PersonalTable(
        name="users",
        file="account",
        holds="Your account: address, name, language, roles and state",
        holds_de="Ihr Konto: Adresse, Name, Sprache, Rollen und Zustand",
        export=queries.export_account,
        omits={"search": "words of address and name", "credentials_changed_by": "id of a session"},
        erase="the deletion itself",
    ),
    PersonalTable(
        name="user_words",
        holds="Words of address and name, by which accounts are searched",
        export="derived from the account",
        erase="trigger users_words, with the account",
    ),
    PersonalTable(
        name="user_tokens",
        file="links",
        holds="Links mailed to you, without their tokens",
        holds_de="Links, die Ihnen gemailt wurden, ohne deren Token",
        export=queries.export_links,
        omits={
            "token_hash": "a secret",
            "task_id": "id of a task",
            "network": "of the client that requested the mail, possibly another person",
        },
    ),
]
