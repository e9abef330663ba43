"""The mesh itself: apusd with a directory of resources, node daemons, attached pods."""

import json
import os
import subprocess

from namespaces import until
from processes import Running

CONTROL_PORT = 15012
LIBRARIES = "usr/lib/x86_64-linux-gnu"


def pod(name, node, address, service_account):
    """A running pod of the namespace bench, as Kubernetes would describe it."""
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "bench", "labels": {"app": name}},
        "spec": {"nodeName": node, "serviceAccountName": service_account, "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
                   "conditions": [{"type": "Ready", "status": "True"}]},
    }


def write_resources(folder, pods, ambient=True):
    """One file, replaced in one step. JSON is YAML."""
    labels = {"istio.io/dataplane-mode": "ambient"} if ambient else {}
    nodes = sorted({pod["spec"]["nodeName"] for pod in pods})
    items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bench", "labels": labels}}]
    items += [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}} for node in nodes]
    items += pods
    os.makedirs(folder, exist_ok=True)
    made = os.path.join(os.path.dirname(folder), "resources.making")
    with open(made, "w") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": items}, file)
    os.replace(made, os.path.join(folder, "bench.yaml"))


class Mesh:
    """apusd and one ztunnel a node, all in one namespace; pods are handed over by `apus attach`."""

    def __init__(self, host, folder, programs, loops=1, debian13=None):
        self.host = host
        self.folder = folder
        self.resources = os.path.join(folder, "resources")
        self.state = os.path.join(folder, "state")
        self._programs = programs
        self._loops = loops
        # A loader with other libraries: the same binary with another OpenSSL.
        self._loader = []
        if debian13:
            libraries = os.path.join(debian13, LIBRARIES)
            self._loader = [os.path.join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries]
        self.control = None
        self.nodes = {}

    def program(self, name):
        path = os.path.join(self._programs, name)
        if not os.access(path, os.X_OK):
            raise RuntimeError(f"expected the program {path}, found none; build it: swift build -c release "
                               f"--static-swift-stdlib, or name its folder with --bin")
        return path

    def start_control(self, listen=f"127.0.0.1:{CONTROL_PORT}", *more):
        """apusd over the resources that were written before."""
        self.control = Running("apusd", self.host.command(
            self.program("apusd"), "--resources", self.resources, "--state", self.state,
            "--listen", listen, *more), self.folder)

        def listens():
            self.control.expect_alive()
            return f":{CONTROL_PORT} " in self.host.run("ss", "-Hltn")

        until("apusd to listen", listens, seconds=20)

    def start_node(self, name):
        number = len(self.nodes) + 1
        token = os.path.join(self.state, "tokens", name)
        until(f"a token of node {name}", lambda: os.path.exists(token))
        environment = {
            "NODE_NAME": name, "XDS_ADDRESS": f"https://127.0.0.1:{CONTROL_PORT}",
            "CA_ADDRESS": f"https://127.0.0.1:{CONTROL_PORT}",
            "XDS_ROOT_CA": os.path.join(self.state, "root.crt"), "CA_ROOT_CA": os.path.join(self.state, "root.crt"),
            "AUTH_TOKEN": token, "APUS_SOCKET": self.socket(name), "ZTUNNEL_WORKER_THREADS": str(self._loops),
            "APUS_ADMIN_ADDRESS": f"127.0.0.1:{15000 + 100 * number}",
            "APUS_METRICS_ADDRESS": f"127.0.0.1:{15001 + 100 * number}",
            "APUS_READINESS_ADDRESS": f"127.0.0.1:{15002 + 100 * number}",
        }
        node = Running("ztunnel-" + name, self.host.command(*self._loader, self.program("ztunnel")),
                       self.folder, environment)
        self.nodes[name] = node

        def serves():
            node.expect_alive()
            return os.path.exists(self.socket(name))

        until(f"the socket of ztunnel {name}", serves, seconds=20)

    def socket(self, node):
        return os.path.join(self.folder, node + ".sock")

    def apus(self, node, *arguments):
        done = subprocess.run([self.program("apus"), *arguments, "--socket", self.socket(node)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"apus {' '.join(arguments)}: {done.stdout.strip()}")
        return done.stdout

    def attach(self, node, namespace, pod_name):
        self.apus(node, "attach", namespace.path, "--pod", f"bench/{pod_name}")

    def states(self, node):
        """Pod -> state, as `apus status` shows it."""
        rows = [line.split() for line in self.apus(node, "status").splitlines()]
        return {row[0].partition("/")[2]: row[1] for row in rows if len(row) > 1 and row[0].startswith("bench/")}

    def wait_captured(self, node, pods, seconds=20.0):
        def captured():
            self.nodes[node].expect_alive()
            states = self.states(node)
            return all(states.get(pod) == "captured" for pod in pods)

        try:
            until(f"capture of {len(pods)} pods on {node}", captured, seconds=seconds)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.apus(node, 'status')[:3000]}\n{self.nodes[node].log_tail()}")

    def stop(self):
        # The control plane last, so that leaving pods are reported.
        for node in self.nodes.values():
            node.stop()
        if self.control:
            self.control.stop()
        self.nodes = {}


class MeshPair:
    """Both pods captured, each by a node daemon of its own: the client's traffic meets the rules, not a listener."""

    def __init__(self, world, programs, loops, debian13=None):
        self.name = ("ztunnel-openssl3.5-" if debian13 else "ztunnel-") + str(loops)
        self.host = world.server_address
        self.proxies = []
        self._world = world
        self._programs = programs
        self._loops = loops
        self._debian13 = debian13
        self._mesh = None

    def port(self, number):
        return number

    def start(self):
        world = self._world
        self._mesh = mesh = Mesh(world.host, world.folder_for(self.name), self._programs, self._loops, self._debian13)
        write_resources(mesh.resources, [
            pod("client", "n1", world.client_address, "client"), pod("server", "n2", world.server_address, "server"),
        ])
        mesh.start_control()
        for node, namespace, name in (("n1", world.client, "client"), ("n2", world.server, "server")):
            mesh.start_node(node)
            mesh.attach(node, namespace, name)
            mesh.wait_captured(node, [name])
        self.proxies = list(mesh.nodes.values())
        self._wait_tunnelled()

    def _wait_tunnelled(self):
        """The client's node may learn a moment later that the server speaks HBONE."""
        def tunnelled():
            rows = self._mesh.apus("n1", "workloads").splitlines()
            return any(f" {self.host} " in row and " HBONE " in row for row in rows)

        until("the client's node to see the server in the mesh", tunnelled)

    def stop(self):
        if self._mesh:
            try:
                for node, name in (("n1", "client"), ("n2", "server")):
                    if node in self._mesh.nodes:
                        self._mesh.apus(node, "detach", f"bench/{name}")
            except RuntimeError as error:
                print(f"bench: {error}")
            self._mesh.stop()
        self.proxies = []
