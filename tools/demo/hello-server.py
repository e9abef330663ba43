#!/usr/bin/env python3
"""A small HTTP/1.1 server that says who it is and which address its caller has, and prints each request. With a third
argument it fails: 503 to everything."""
import http.server
import socket
import sys


class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        caller = self.client_address[0].removeprefix("::ffff:")
        body = f"hello from {self.server.label}, you are {caller}\n".encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if trace := self.headers["traceparent"]:
            print("traceparent:", trace, flush=True)

    do_DELETE = do_GET

    def log_message(self, form, *arguments):
        print(form % arguments, flush=True)


class DualStackServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True


if __name__ == "__main__":
    label, port = sys.argv[1], int(sys.argv[2])
    server = DualStackServer(("::", port), Hello)
    server.label = label
    server.status = 503 if len(sys.argv) > 3 else 200
    server.serve_forever()
