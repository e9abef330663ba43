#!/usr/bin/env python3
"""The HTTP applications of the mesh tests.

    web.py serve PORT [STATUS]        answers each request with its own head and 200, or with this status; changes to an
                                      echo when asked to upgrade
    web.py get HOST PORT PATH [METHOD [FIELD...]]   prints status and body; FIELD is "Name: value"
    web.py upgrade HOST PORT          asks for an echo, sends a line, prints what came back
    web.py secure PORT CERTIFICATE KEY   serves in TLS, in its body also the server name of the handshake
    web.py keys PORT FILE [CERTIFICATE KEY]   answers each GET with what is in the file then; prints its path
"""
import http.server
import socket
import socketserver
import ssl
import sys

TIMEOUT_SECONDS = 5


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        if not data:
            return head, b""
        head += data
    head, _, rest = head.partition(b"\r\n\r\n")
    return head, rest


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        head, _ = read_head(self.request)
        if not head:
            return
        if b"\r\nupgrade: echo" in head.lower():
            self.request.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            while data := self.request.recv(65536):
                self.request.sendall(data)
            return
        status = self.server.status.encode()
        self.request.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(head)) + head)


class SecureHandler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            with self.server.context.wrap_socket(self.request, server_side=True) as connection:
                head, _ = read_head(connection)
                if head:
                    print("asked", head.split(b"\r\n")[0].decode(), flush=True)
                    body = b"name=" + getattr(connection, "called", "none").encode() + b"\r\n" + head
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except (ssl.SSLError, OSError) as error:
            print("failed", error, flush=True)


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True


def connect(host, port):
    return socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS)


def serve(port, status="200 OK"):
    with Server(("::", int(port)), Handler) as server:
        server.status = status
        print("serving", port, flush=True)
        server.serve_forever()


def secure(port, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda connection, name, _: setattr(connection, "called", name or "none")
    with Server(("::", int(port)), SecureHandler) as server:
        server.context = context
        print("serving", port, flush=True)
        server.serve_forever()


def get(host, port, path, method="GET", *fields):
    with connect(host, port) as connection:
        connection.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Client-Cert: URI=forged\r\n"
            f"{''.join(field + chr(13) + chr(10) for field in fields)}Connection: close\r\n\r\n".encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    if not answer:
        sys.exit("no answer")
    print(answer.decode())


def upgrade(host, port):
    with connect(host, port) as connection:
        connection.sendall(
            f"GET /echo HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n".encode())
        head, rest = read_head(connection)
        if not head.startswith(b"HTTP/1.1 101 "):
            sys.exit(head.decode() or "no answer")
        connection.sendall(b"\x00bytes, not HTTP\n")
        connection.shutdown(socket.SHUT_WR)
        while data := connection.recv(65536):
            rest += data
    print("echoed", rest == b"\x00bytes, not HTTP\n")


class KeyHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked", self.path, flush=True)
        with open(self.server.file, "rb") as file:
            text = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class KeyServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def keys(port, file, certificate=None, key=None):
    server = KeyServer(("::", int(port)), KeyHandler)
    server.file = file
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print("serving", port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    {"serve": serve, "secure": secure, "get": get, "upgrade": upgrade, "keys": keys}[sys.argv[1]](*sys.argv[2:])
