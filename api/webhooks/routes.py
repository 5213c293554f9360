"""Routes of webhooks."""

from api.kernel import delete, get, patch, post, signed_in
from api.webhooks.errors import (
    WEBHOOK_DISABLED,
    WEBHOOK_LIMIT_REACHED,
    WEBHOOK_SCOPE_FORBIDDEN,
    WEBHOOK_TOO_OLD,
    WEBHOOK_UNVERIFIED,
)
from api.webhooks.handlers import deliveries, endpoints

routes = [
    get("/webhooks", endpoints.list_webhooks, guard=signed_in),
    post(
        "/webhooks",
        endpoints.create_webhook,
        guard=signed_in,
        limit="30/minute",
        status=201,
        errors=(WEBHOOK_UNVERIFIED, WEBHOOK_SCOPE_FORBIDDEN, WEBHOOK_LIMIT_REACHED),
    ),
    get("/webhooks/event-types", endpoints.list_event_types, guard=signed_in),
    get("/webhooks/{id}", endpoints.show_webhook, guard=signed_in, etag=True),
    patch("/webhooks/{id}", endpoints.change_webhook, guard=signed_in, limit="60/minute", etag=True),
    delete("/webhooks/{id}", endpoints.delete_webhook, guard=signed_in, status=204),
    post("/webhooks/{id}/secret", endpoints.rotate_secret, guard=signed_in, limit="30/minute"),
    delete("/webhooks/{id}/secret/previous", endpoints.revoke_secrets, guard=signed_in, status=204),
    post(
        "/webhooks/{id}/test",
        deliveries.test_webhook,
        guard=signed_in,
        limit="30/minute",
        status=202,
        errors=(WEBHOOK_DISABLED,),
    ),
    get("/webhooks/{id}/deliveries", deliveries.list_deliveries, guard=signed_in),
    get(
        "/webhooks/{id}/deliveries/{delivery_id}",
        deliveries.show_delivery,
        guard=signed_in,
        errors=(WEBHOOK_SCOPE_FORBIDDEN,),
    ),
    post(
        "/webhooks/{id}/deliveries/{delivery_id}/redeliver",
        deliveries.redeliver,
        guard=signed_in,
        limit="60/minute",
        status=202,
        errors=(WEBHOOK_DISABLED,),
    ),
    post(
        "/webhooks/{id}/redeliver",
        deliveries.replay,
        guard=signed_in,
        limit="30/minute",
        status=202,
        errors=(WEBHOOK_DISABLED, WEBHOOK_TOO_OLD),
    ),
]
