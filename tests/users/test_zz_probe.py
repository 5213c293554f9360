import pytest, json
from api.kernel.errors import Problem
from tests.users.handover import *

OUT = {}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
async def test_probe(client, context, state, action):
    world = await make_world(client, context, state)
    try:
        answer = await ACTIONS[action](world)
        said = (
            "200"
            if answer is None
            else (answer.json()["code"] if answer.status_code >= 400 else str(answer.status_code))
        )
    except Problem as e:
        answer = None
        said = type(e).__name__ if not hasattr(e, "code") else e.code
    context.principals.forget(world.user.id)
    order = "session own new password name verify reset invite confirm revert later deletion nothing".split()
    l = await left(world, answer)
    f = open("/tmp/probe.out", "a")
    f.write(f"{state}|{action}|{said}|{' '.join(o for o in order if o in l)}\n")
    f.close()
