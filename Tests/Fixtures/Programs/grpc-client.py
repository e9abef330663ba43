#!/usr/bin/env python3
"""Calls every kind of gRPC method of the tests' echo; prints one line for each outcome.

    grpc-client.py HOST:PORT
    grpc-client.py HOST:PORT METHOD [NAME=VALUE...]   calls one method with these metadata, prints the status
    grpc-client.py HOST:PORT --ask FILE               makes the calls of a JSON list, prints a JSON list of outcomes
"""
import json
import sys

import grpc

MESSAGE = b"m" * 100_000


def one(target, method, *metadata):
    channel = grpc.insecure_channel(target)
    try:
        channel.unary_unary(method)(b"one", timeout=10, metadata=[tuple(pair.split("=", 1)) for pair in metadata])
        print("OK")
    except grpc.RpcError as error:
        print(error.code().name)


def ask(target, _, path):
    channel = grpc.insecure_channel(target)
    with open(path) as file:
        calls = json.load(file)
    outcomes = []
    for call in calls:
        try:
            method = channel.unary_unary(call["method"])
            answer, ended = method.with_call(b"", timeout=10, metadata=[tuple(pair) for pair in call["metadata"]])
            fields = [[key, value] for key, value in ended.initial_metadata() if isinstance(value, str)]
            outcomes.append({"code": ended.code().name, "seen": json.loads(answer), "fields": fields})
        except grpc.RpcError as error:
            outcomes.append({"code": error.code().name, "fields": []})
    print(json.dumps(outcomes))


def main():
    channel = grpc.insecure_channel(sys.argv[1])
    echo = channel.unary_unary("/grpc/Echo")(MESSAGE, timeout=30)
    print("unary", echo == MESSAGE)
    answers = list(channel.unary_stream("/grpc/Echo")(MESSAGE, timeout=30))
    print("server streams", answers == [MESSAGE])
    answer = channel.stream_unary("/grpc/Count")(iter([MESSAGE] * 20), timeout=30)
    print("client streams", answer == b"")
    sent = [bytes([n]) * (n * 1000 + 1) for n in range(100)]
    answers = list(channel.stream_stream("/grpc/Echo")(iter(sent), timeout=30))
    print("both stream", answers == sent)
    try:
        channel.unary_unary("/grpc/Hold")(MESSAGE, timeout=0.3)
    except grpc.RpcError as error:
        print("deadline", error.code().name)
    try:
        channel.unary_unary("/grpc/Fail")(b"", timeout=30)
    except grpc.RpcError as error:
        print("failure", error.code().name, error.details())
        trailers = dict(error.trailing_metadata())
        # Only our own server sends them.
        if "reason" in trailers:
            print("details", trailers["grpc-status-details-bin"] == bytes(range(256)), trailers["reason"])
    call = channel.stream_stream("/grpc/Echo")(iter([b"one"]), timeout=30)
    call.cancel()
    print("cancelled", call.code().name)
    print("afterwards", channel.unary_unary("/grpc/Echo")(b"last", timeout=30) == b"last")


if sys.argv[2:3] == ["--ask"]:
    ask(*sys.argv[1:])
elif len(sys.argv) > 2:
    one(*sys.argv[1:])
else:
    main()
