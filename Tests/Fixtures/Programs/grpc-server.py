#!/usr/bin/env python3
"""The tests' echo for gRPC, which Tests/Fixtures/Programs/grpc-client.py calls.

    grpc-server.py PORT [NAME]

/grpc/Echo answers each message with itself, /grpc/Count all of them with one empty one, /grpc/Hold never, /grpc/Fail
with NOT_FOUND and details in its trailers. Prints the ends of calls that were not waited for. With a name, every other
method answers with what it saw, as JSON.
"""
import json
import sys
import threading
from concurrent import futures

import grpc


def echo(messages, context):
    yield from messages


def count(messages, context):
    for _ in messages:
        pass
    return b""


def hold(message, context):
    gone = threading.Event()
    context.add_callback(gone.set)
    gone.wait(30)
    print("hold ended", flush=True)
    return b""


def fail(message, context):
    context.set_trailing_metadata((("grpc-status-details-bin", bytes(range(256))), ("reason", "none of that name")))
    context.abort(grpc.StatusCode.NOT_FOUND, "no such")


class Calls(grpc.GenericRpcHandler):
    def __init__(self, name):
        self.name = name

    handlers = {
        "/grpc/Echo": grpc.stream_stream_rpc_method_handler(echo),
        "/grpc/Count": grpc.stream_unary_rpc_method_handler(count),
        "/grpc/Hold": grpc.unary_unary_rpc_method_handler(hold),
        "/grpc/Fail": grpc.unary_unary_rpc_method_handler(fail),
    }

    def service(self, details):
        if self.name is None or details.method in self.handlers:
            return self.handlers.get(details.method)
        metadata = [[key, value] for key, value in details.invocation_metadata if isinstance(value, str)]
        seen = json.dumps({"pod": self.name, "method": details.method, "metadata": metadata}).encode()
        return grpc.unary_unary_rpc_method_handler(lambda message, context: seen)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers([Calls(sys.argv[2] if len(sys.argv) > 2 else None)])
    server.add_insecure_port("[::]:" + sys.argv[1])
    server.start()
    print("serving", flush=True)
    server.wait_for_termination()


main()
