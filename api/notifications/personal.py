"""What this feature stores about accounts."""

from api.kernel import PersonalTable
from api.notifications import queries

personal = [
    PersonalTable(
        name="notifications",
        holds="Your notifications, and when you saw and read them",
        holds_de="Ihre Benachrichtigungen, und wann Sie sie gesehen und gelesen haben",
        export=queries.export_notifications,
        omits={
            "send_id": "id of a send, which may have other recipients",
            "kind_group": "the beginning of kind",
            "listed": "follows from the switches",
            "mails": "follows from the kind",
            "digest_id": "id of a window",
        },
    ),
    PersonalTable(
        name="notification_switches",
        file="notification_preferences",
        holds="Your choices about notifications",
        holds_de="Ihre Einstellungen der Benachrichtigungen",
        export=queries.export_switches,
    ),
    PersonalTable(
        name="notification_boxes",
        file="notification_digests",
        holds="When collected mails are sent to you, and how many notifications are unread",
        holds_de="Wann gesammelte E-Mails an Sie gesendet werden, und wie viele Benachrichtigungen ungelesen sind",
        export=queries.export_box,
        omits={
            "last": "number of the last notification",
        },
    ),
    PersonalTable(
        name="notification_digests",
        holds="Windows in which notifications are collected for one mail",
        export="times of mails, kept for 30 days",
    ),
    PersonalTable(
        name="notification_mails",
        holds="Times of mails of the last day, for the limit of an hour",
        export="times of mails, kept for a day",
    ),
    PersonalTable(
        name="notification_sends",
        holds="Notifications that you sent to others, without the recipients, for 30 days",
        holds_de="Benachrichtigungen, die Sie anderen gesendet haben, ohne die Empfänger, 30 Tage lang",
        export=queries.export_sends,
        omits={
            "source": "the account",
            "key": "chosen by the sender's program",
            "digest": "of the request",
            "kind_group": "the beginning of kind",
            "reached": "id of another account",
        },
        erase=queries.erase_sends,
    ),
]
