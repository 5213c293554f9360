"""What this feature stores about accounts."""

from api.kernel import PersonalTable
from api.mails import queries

personal = [
    PersonalTable(
        name="mails",
        holds="Mails to you, without their links",
        holds_de="E-Mails an Sie, ohne deren Links",
        export=queries.export_mails,
        omits={
            "html": "the same as body",
            **dict.fromkeys(("message_id", "task", "task_id", "value", "repeats"), "of the task that sends it"),
        },
    ),
]
