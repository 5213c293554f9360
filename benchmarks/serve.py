"""`python -m benchmarks.serve MODULE:FACTORY`: runs one of the other servers under uvicorn, configured like this
project's own: uvloop, httptools, one process, no access log."""

import importlib
import os
import sys

import uvicorn

if __name__ == "__main__":
    module, _, factory = sys.argv[1].partition(":")
    app = getattr(importlib.import_module(f"benchmarks.{module}"), factory)()
    uvicorn.run(
        app,
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
    )
