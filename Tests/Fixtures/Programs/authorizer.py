#!/usr/bin/env python3
"""The external authorizers of the mesh tests.

    authorizer.py grpc PORT      envoy.service.auth.v3.Authorization, with Envoy's own messages (xds-protos)
    authorizer.py http PORT      the form that Istio calls envoyExtAuthzHttp

Both let a request pass whose header x-pass is yes, and then name the user bob; others get 401 and a text. Each prints
one line of JSON for a question.

The gRPC one reads and answers as OPA's Envoy plugin does (opa-envoy-plugin, envoyauth/request.go and response.go): it
takes the path apart by its slashes and its query, reads the body as JSON when content-type says so and content-length
is not larger than what came, and answers with fields that have no `append`.
"""
import http.server
import json
import sys
import urllib.parse
from concurrent import futures


def serve_grpc(port):
    import grpc
    from envoy.config.core.v3 import base_pb2
    from envoy.service.auth.v3 import external_auth_pb2, external_auth_pb2_grpc
    from google.protobuf import json_format

    def field(name, value):
        return base_pb2.HeaderValueOption(header=base_pb2.HeaderValue(key=name, value=value))

    def parsed_body(request):
        if "application/json" not in request.headers.get("content-type", "") or not request.body:
            return None
        if int(request.headers.get("content-length", "-1")) > len(request.body):
            return "truncated"
        return json.loads(request.body)

    class Authorization(external_auth_pb2_grpc.AuthorizationServicer):
        def Check(self, question, context):
            attributes = question.attributes
            request = attributes.request.http
            url = urllib.parse.urlparse(request.path)
            json_format.MessageToJson(question)
            say(method=request.method, parsed_path=url.path.lstrip("/").split("/"),
                parsed_query=urllib.parse.parse_qs(url.query), parsed_body=parsed_body(request),
                host=request.host, protocol=request.protocol, source=attributes.source.principal,
                source_address=attributes.source.address.socket_address.address,
                destination=attributes.destination.principal, peer=context.peer())
            answer = external_auth_pb2.CheckResponse()
            if request.headers.get("x-pass") == "yes":
                answer.status.code = grpc.StatusCode.OK.value[0]
                answer.ok_response.headers.append(field("x-user", "bob"))
                answer.ok_response.response_headers_to_add.append(field("x-judged", "grpc"))
            else:
                answer.status.code = grpc.StatusCode.PERMISSION_DENIED.value[0]
                answer.denied_response.status.code = 401
                answer.denied_response.headers.append(field("x-why", "no pass"))
                answer.denied_response.body = "who are you"
            return answer

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    external_auth_pb2_grpc.add_AuthorizationServicer_to_server(Authorization(), server)
    server.add_insecure_port("[::]:" + port)
    server.start()
    print("serving", flush=True)
    server.wait_for_termination()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        say(method=self.command, path=self.path, host=self.headers.get("host"), body=body.decode(),
            fields=sorted(name.lower() for name in self.headers))
        if self.headers.get("x-pass") == "yes":
            self.reply(200, b"", ("x-user", "bob"), ("x-judged", "http"))
        else:
            self.reply(401, b"who are you", ("x-why", "no pass"))

    do_GET = do_PUT = do_POST = answer

    def reply(self, status, body, *fields):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    import socket
    address_family = socket.AF_INET6
    daemon_threads = True


def serve_http(port):
    server = Server(("::", int(port)), Handler)
    print("serving", flush=True)
    server.serve_forever()


def say(**question):
    print(json.dumps(question, sort_keys=True), flush=True)


{"grpc": serve_grpc, "http": serve_http}[sys.argv[1]](sys.argv[2])
