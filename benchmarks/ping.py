"""`python -m benchmarks.ping`: this backend as `python -m api` runs it, with a route that only asks who it is."""

import uvicorn
from starlette.applications import Starlette

from api.app import create_app
from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.feature import Feature, settings_of
from api.kernel.http.routing import get
from api.kernel.identity.auth import Principal, signed_in
from api.kernel.settings import load
from api.kernel.wire.process import bind, configuration

PATH = "/bench/ping"


async def ping(principal: Principal) -> bool:
    return True


def create() -> Starlette:
    settings = load(kinds=settings_of(FEATURES))
    telemetry.set_up(settings, "web")
    return create_app(settings, (*FEATURES, Feature(name="bench", routes=[get(PATH, ping, guard=signed_in)])))


if __name__ == "__main__":
    settings = load(kinds=settings_of(FEATURES))
    config = configuration(settings)
    config.app = "benchmarks.ping:create"
    uvicorn.Server(config).run(bind(settings))
