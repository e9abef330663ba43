#!/usr/bin/env python3
"""The tests' echo for gRPC, which Tests/Fixtures/Programs/grpc-client.py calls.

    grpc-server.py PORT

/grpc/Echo answers each message with itself, /grpc/Count all of them with one empty one, /grpc/Hold never, /grpc/Fail
with NOT_FOUND. Prints the ends of calls that were not waited for.
"""
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
    context.abort(grpc.StatusCode.NOT_FOUND, "no such")


class Calls(grpc.GenericRpcHandler):
    handlers = {
        "/grpc/Echo": grpc.stream_stream_rpc_method_handler(echo),
        "/grpc/Count": grpc.stream_unary_rpc_method_handler(count),
        "/grpc/Hold": grpc.unary_unary_rpc_method_handler(hold),
        "/grpc/Fail": grpc.unary_unary_rpc_method_handler(fail),
    }

    def service(self, details):
        return self.handlers.get(details.method)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers([Calls()])
    server.add_insecure_port("[::]:" + sys.argv[1])
    server.start()
    print("serving", flush=True)
    server.wait_for_termination()


main()
