#!/usr/bin/env python3
"""The applications of the conformance tests.

    echo.py serve NAME PORT     answers each request with what it saw, as JSON; prints one line of JSON a request
    echo.py ask FILE            takes a JSON list of requests, prints a JSON list of answers

The query of a request tells the server how to behave:
    delay=0.5              seconds before the answer
    code=500&fail=2&id=x   the first two requests of this id are answered with that code, later ones with 200
    code=reset&fail=2&id=x the same, the connection cut instead
    head=name:value        a field of the answer (several times)
"""
import collections
import http.client
import http.server
import json
import socket
import sys
import threading
import time
import urllib.parse

TIMEOUT_SECONDS = 10
seen_per_id = collections.Counter()
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        seen = {
            "pod": self.server.name, "method": self.command, "path": self.path, "host": self.headers.get("Host", ""),
            "headers": [[name.lower(), value] for name, value in self.headers.items()], "body": len(body)}
        print(json.dumps(seen), flush=True)
        time.sleep(float(query.get("delay", ["0"])[0]))
        code = self.code(query)
        if code == "reset":
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
            return
        text = json.dumps(seen).encode()
        self.send_response(int(code))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for field in query.get("head", []):
            name, _, value = field.partition(":")
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def code(self, query):
        if "code" not in query:
            return "200"
        with lock:
            identity = query.get("id", [""])[0]
            seen_per_id[identity] += 1
            fails = seen_per_id[identity] <= int(query.get("fail", ["1000000"])[0])
        return query["code"][0] if fails else "200"

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 128

    def handle_error(self, *_):
        pass


def serve(name, port):
    server = Server(("::", int(port)), Handler)
    server.name = name
    print("serving", port, flush=True)
    server.serve_forever()


def ask_one(request, connections):
    """On a kept connection for each address, as a client library has it."""
    address = (request["address"], request["port"])
    for is_second_try in (False, True):
        connection = connections.get(address)
        if connection is None:
            connection = connections[address] = http.client.HTTPConnection(*address, timeout=TIMEOUT_SECONDS)
        try:
            body = request.get("body")
            connection.putrequest(request["method"], request["path"], skip_host=True, skip_accept_encoding=True)
            for name, value in [("Host", request["host"]), *request["headers"]]:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body.encode() if body is not None else None)
            answer = connection.getresponse()
            text = answer.read()
            break
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            del connections[address]
            if is_second_try or not isinstance(error, http.client.RemoteDisconnected):
                return {"status": 0, "error": repr(error), "headers": [], "body": ""}
    if answer.will_close:
        connections.pop(address, None)
    return {"status": answer.status, "headers": [[name.lower(), value] for name, value in answer.getheaders()],
            "body": text.decode(errors="replace")}


def ask(path):
    connections = {}
    with open(path) as file:
        requests = json.load(file)
    print(json.dumps([ask_one(request, connections) for request in requests]))


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
