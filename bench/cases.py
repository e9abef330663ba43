"""What is measured: a path between the two pods, set up afresh each round.

A case has `name`; `start()`; `host`, `port(number)` for the client; `proxies`, whose time and memory count; `stop()`.
"""

import json
import os

import certificates
import envoy_config
from backends import HTTP_PORT, IPERF_PORT
from namespaces import until
from processes import Running

CLIENT_IDENTITY = "spiffe://cluster.local/ns/bench/sa/client"
SERVER_IDENTITY = "spiffe://cluster.local/ns/bench/sa/server"


class Direct:
    """No proxy at all."""

    name = "direct"

    def __init__(self, world):
        self.host = world.server_address
        self.proxies = []

    def port(self, number):
        return number

    def start(self):
        pass

    def stop(self):
        pass


class EnvoyPair:
    """Envoy as HBONE client in the client pod (a TCP listener for each port), as HBONE server in the server pod."""

    # Away from the ports of the applications.
    _LISTEN_OFFSET = 1000

    def __init__(self, world, program, concurrency):
        self.name = f"envoy-{concurrency}"
        self.host = "127.0.0.1"
        self.proxies = []
        self._world = world
        self._program = program
        self._concurrency = concurrency

    def port(self, number):
        return number + self._LISTEN_OFFSET

    def start(self):
        world = self._world
        folder = world.folder_for(self.name)
        ca_certificate, ca_key = certificates.make_authority(folder)
        peer = f"{world.server_address}:{envoy_config.PORT_HBONE}"
        crt, key = certificates.issue(folder, "client", CLIENT_IDENTITY, ca_certificate, ca_key)
        tunnels = [(f"{self.host}:{self.port(port)}", f"{world.server_address}:{port}")
                   for port in (HTTP_PORT, IPERF_PORT)]
        client = envoy_config.client(crt, key, ca_certificate, peer, SERVER_IDENTITY, tunnels)
        crt, key = certificates.issue(folder, "server", SERVER_IDENTITY, ca_certificate, ca_key)
        server = envoy_config.server(crt, key, ca_certificate, peer, "spiffe://cluster.local/",
                                     (HTTP_PORT, IPERF_PORT))
        for side, namespace, config in (("server", world.server, server), ("client", world.client, client)):
            path = os.path.join(folder, side + ".json")
            with open(path, "w") as file:
                json.dump(config, file, indent=1)
            self.proxies.append(Running("envoy-" + side, namespace.command(
                self._program, "--config-path", path, "--concurrency", str(self._concurrency),
                "--use-dynamic-base-id", "--log-level", "warning"), folder))
        self._wait_listening(world.server, envoy_config.PORT_HBONE)
        self._wait_listening(world.client, self.port(HTTP_PORT))

    def _wait_listening(self, namespace, port):
        def listening():
            for proxy in self.proxies:
                proxy.expect_alive()
            return f":{port} " in namespace.run("ss", "-Hltn")

        until(f"Envoy on port {port}", listening, seconds=20)

    def stop(self):
        for proxy in self.proxies:
            # Its orderly end would wait for connections that are gone anyway.
            proxy.stop(seconds=2)
        self.proxies = []
