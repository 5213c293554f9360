"""A collector of traces, OTLP over HTTP, that stores the spans that it receives."""

import gzip
import http.server
import threading


class Collector:
    def __init__(self) -> None:
        self.received: list[bytes] = []
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if "trace" in self.path:
                    received.append(body)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def has(self, trace_id: str) -> bool:
        """Return whether a span of that trace has arrived."""
        return any(bytes.fromhex(trace_id) in body for body in self.received)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
