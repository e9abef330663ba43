#!/usr/bin/env python3
"""A collector of OpenTelemetry for tests: takes spans by OTLP/HTTP and OTLP/gRPC and prints each as a line of JSON.

    collector.py [--refuse N]       the first N requests are answered with 503 or UNAVAILABLE

Prints {"http": PORT, "grpc": PORT} when it listens.
"""

import argparse
import concurrent.futures
import http.server
import json
import threading

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

lock = threading.Lock()


def value(any_value):
    return getattr(any_value, any_value.WhichOneof("value") or "string_value")


def show(request, how, headers):
    with lock:
        for resource in request.resource_spans:
            attributes = {a.key: value(a.value) for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    line = {
                        "how": how, "headers": headers, "resource": attributes, "name": span.name,
                        "trace": span.trace_id.hex(), "span": span.span_id.hex(), "parent": span.parent_span_id.hex(),
                        "kind": span.kind, "state": span.trace_state, "status": span.status.code,
                        "nanoseconds": span.end_time_unix_nano - span.start_time_unix_nano,
                        "attributes": {a.key: value(a.value) for a in span.attributes},
                    }
                    print(json.dumps(line), flush=True)


class Refusals:
    def __init__(self, count):
        self.count = count

    def next(self):
        with lock:
            self.count -= 1
            return self.count >= 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--refuse", type=int, default=0)
    refusals = Refusals(parser.parse_args().refuse)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            status = 200
            if self.path != "/v1/traces" or self.headers["content-type"] != "application/x-protobuf":
                status = 404
            elif refusals.next():
                status = 503
            else:
                request = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
                show(request, "http", {k.lower(): v for k, v in self.headers.items()})
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

    class Service(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request, context):
            if refusals.next():
                context.abort(grpc.StatusCode.UNAVAILABLE, "later")
            show(request, "grpc", dict(context.invocation_metadata()))
            return trace_service_pb2.ExportTraceServiceResponse()

    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"http": web.server_address[1], "grpc": port}), flush=True)
    web.serve_forever()


main()
