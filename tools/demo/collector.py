#!/usr/bin/env python3
"""A collector of OpenTelemetry in as few lines as will do: takes spans by OTLP/HTTP on a port and prints one line for
each: TRACE span=SPAN parent=PARENT KIND status=CODE NAME."""
import http.server
import sys

KINDS = {2: "server", 3: "client"}


def number(data, place):
    """A varint (protobuf, encoding): its value and where it ends."""
    value = shift = 0
    while True:
        byte = data[place]
        value, shift, place = value | (byte & 127) << shift, shift + 7, place + 1
        if byte < 128:
            return value, place


def fields(data):
    """Number and value of each field of a message; values of eight bytes and of any length are bytes."""
    place = 0
    while place < len(data):
        key, place = number(data, place)
        if key & 7 == 0:
            value, place = number(data, place)
        else:
            size, place = {1: (8, place), 5: (4, place)}.get(key & 7) or number(data, place)
            value, place = data[place:place + size], place + size
        yield key >> 3, value


def every(data, *path):
    """The values at a path of field numbers."""
    if not path:
        return [data]
    return [found for name, value in fields(data) if name == path[0] for found in every(value, *path[1:])]


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for span in every(body, 1, 2, 2):
            self.show(span)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @staticmethod
    def show(span):
        known = dict(fields(span))
        attributes = {bytes(every(pair, 1)[0]).decode(): every(pair, 2)[0] for pair in every(span, 9)}
        status = every(attributes.get("http.status_code", b""), 3) or every(attributes.get("http.status_code", b""), 1)
        code = status[0].decode() if status and isinstance(status[0], bytes) else (status or ["-"])[0]
        print(known[1].hex(), f"span={known[2].hex()}", f"parent={known.get(4, b'').hex() or '-'}",
              KINDS.get(known.get(6), "other"), f"status={code}", known[5].decode(), flush=True)

    def log_message(self, form, *arguments):
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Collector).serve_forever()
