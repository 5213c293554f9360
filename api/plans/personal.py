"""What this feature stores about accounts."""

from api.kernel import PersonalTable
from api.plans import queries

personal = [
    PersonalTable(
        name="plan_targets",
        file="plans",
        holds="Tiers that your account was given",
        holds_de="Tarife, die Ihrem Konto zugewiesen wurden",
        export=queries.export_targets,
        omits={"target_type": "an account", "target_id": "the account", "active": "is_active"},
    ),
    PersonalTable(
        name="plan_counts",
        file="quotas",
        holds="Calls that count against your quotas",
        holds_de="Aufrufe, die auf Ihre Kontingente angerechnet werden",
        export=queries.export_counts,
        omits={
            "held": "calls that the server has reserved",
            "granted": "calls that the server has reserved",
            "short_at": "calls that the server has reserved",
        },
    ),
]
