"""What this feature stores about accounts. It also erases the outbox, whose rows are copies of its entries."""

from api.audit import queries
from api.kernel import PersonalTable

_BY_TASK = "task `audit.erase`"

personal = [
    PersonalTable(
        name="audit_entries",
        file="activity",
        holds="Activity of your account: changes, sign-ins, refused sign-ins",
        holds_de="Aktivität Ihres Kontos: Änderungen, Anmeldungen, abgelehnte Anmeldungen",
        export=queries.export_activity,
        omits={
            "key": "id of the thing, also in data",
            "traceparent": "id of a request, for operators",
            **dict.fromkeys(
                ("seq", "data_salt", "position", "data_digest", "origin_digest", "hash"), "of the hash chain"
            ),
        },
        erase=f"{_BY_TASK}: data and origin are set to null, digests keep the hash chain intact",
    ),
    PersonalTable(
        name="audit_entries",
        file="actions",
        holds="What you did as an administrator: kind, time and origin, without the accounts concerned",
        holds_de="Was Sie als Administrator getan haben: Art, Zeit und Herkunft, ohne die betroffenen Konten",
        export=queries.export_actions,
        erase=f"{_BY_TASK}: the origin is set to null; the entry belongs to the other account",
    ),
    PersonalTable(
        name="outbox_events",
        holds="Events on their way to Kafka, and dead letters",
        export="copies of the activity, deleted after they are published",
        erase=f"{_BY_TASK}; pending events are published first, so that consumers receive the deletion last",
    ),
    PersonalTable(
        name="outbox_tasks",
        holds="Work that follows from events, and dead letters",
        export="copies of the activity, deleted when the work is done",
        erase=f"{_BY_TASK} deletes dead letters; other tasks end within hours",
    ),
    PersonalTable(
        name="outbox_live",
        holds="Ids of accounts and events, for connected clients",
        export="ids of entries of the activity",
        erase="sweep `sweep_live`, after a day",
    ),
]
