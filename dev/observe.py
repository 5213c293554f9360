"""`make observe`: Prometheus for a running `make run`, with the rules of docs/observe. METRICS_PORT is the first port
of the processes' metrics, OBSERVE_PORT that of Prometheus."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

RULES = Path(__file__).parents[1] / "docs/observe/alerts.yaml"


def configuration(ports: range) -> str:
    """Return Prometheus' configuration as JSON, which is valid YAML."""
    targets = [f"127.0.0.1:{port}" for port in ports]
    job: dict[str, Any] = {"job_name": "rest-angular", "static_configs": [{"targets": targets}]}
    if token := os.environ.get("METRICS_TOKEN"):
        job["authorization"] = {"credentials": token}
    intervals = {"scrape_interval": "5s", "evaluation_interval": "5s"}
    return json.dumps({"global": intervals, "rule_files": [str(RULES)], "scrape_configs": [job]}, indent=1)


def main() -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        sys.exit("observe: prometheus is not installed (Debian: apt-get install prometheus)")
    metrics, port = int(os.environ.get("METRICS_PORT") or 9464), int(os.environ.get("OBSERVE_PORT") or 9090)
    ports = range(metrics, metrics + int(os.environ.get("WEB_CONCURRENCY") or 1) + 1)  # web processes, and the worker
    folder = Path(os.environ.get("DATA_DIR") or ".data") / "prometheus"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "prometheus.yml"
    file.write_text(configuration(ports))
    print(f"Prometheus: http://localhost:{port}/alerts, /targets and /graph")
    print(f"It scrapes the ports {metrics} to {ports[-1]}: start the stack with METRICS_PORT={metrics} make run.")
    sys.stdout.flush()
    options = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}", "--storage.tsdb.retention.time=1d"]
    os.execv(prometheus, [prometheus, *options, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"])  # noqa: S606


if __name__ == "__main__":
    main()
