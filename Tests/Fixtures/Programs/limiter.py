#!/usr/bin/env python3
"""The rate limit service of the mesh tests: envoy.service.ratelimit.v3, with Envoy's own messages (xds-protos).

    limiter.py PORT LIMIT

Lets LIMIT requests of each descriptor pass and refuses the others, as envoyproxy/ratelimit does with a limit of a long
unit. Prints one line of JSON for a question.
"""
import collections
import json
import sys
import threading
from concurrent import futures

import grpc
from envoy.config.core.v3 import base_pb2
from envoy.service.ratelimit.v3 import rls_pb2, rls_pb2_grpc

Response = rls_pb2.RateLimitResponse
port, limit = sys.argv[1], int(sys.argv[2])
counts = collections.Counter()
lock = threading.Lock()


class Limiter(rls_pb2_grpc.RateLimitServiceServicer):
    def ShouldRateLimit(self, question, context):
        answer = Response(overall_code=Response.OK)
        asked = []
        for descriptor in question.descriptors:
            entries = [[entry.key, entry.value] for entry in descriptor.entries]
            asked.append(entries)
            with lock:
                counts[question.domain, str(entries)] += 1
                count = counts[question.domain, str(entries)]
            status = answer.statuses.add(
                code=Response.OK if count <= limit else Response.OVER_LIMIT, limit_remaining=max(0, limit - count))
            status.current_limit.requests_per_unit = limit
            status.current_limit.unit = Response.RateLimit.DAY
            status.duration_until_reset.seconds = 3600
            if count > limit:
                answer.overall_code = Response.OVER_LIMIT
        answer.response_headers_to_add.append(base_pb2.HeaderValue(key="x-limiter", value="seen"))
        print(json.dumps({"domain": question.domain, "descriptors": asked}), flush=True)
        return answer


server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
rls_pb2_grpc.add_RateLimitServiceServicer_to_server(Limiter(), server)
server.add_insecure_port("[::]:" + port)
server.start()
print("serving", flush=True)
server.wait_for_termination()
