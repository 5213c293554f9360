"""A Kafka broker: librdkafka's mock cluster, which real clients use over TCP. Run as `python -m dev.kafka`.

Topics and consumer groups are in memory and lost at a restart. It chooses a new port at each start."""

from confluent_kafka import Producer


def serve() -> None:
    """Print the broker's host:port as the first line, then serve until a signal ends the process."""
    cluster = Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    print(f"{broker.host}:{broker.port}", flush=True)
    while True:
        cluster.poll(3600)


if __name__ == "__main__":
    serve()
