"""Two pods, two nodes, and two waypoints beside each other in front of the same endpoint: ours and Envoy."""

import json
import os

import certificates
import envoy_waypoint
from mesh import CONTROL_PORT, Mesh, pod
from namespaces import Namespace, run, until
from processes import Running

CONTROL = "10.98.1.254"
ADDRESSES = {"client": "10.98.1.1", "server": "10.98.1.2", "apus": "10.98.1.3", "envoy": "10.98.1.4"}
SERVICES = {"apus": "10.98.2.1", "envoy": "10.98.2.2"}
# A service behind our waypoint with as many routes and policies as the part `decision` asks for.
MANY = "10.98.2.3"
# Port of the service -> port of the back end.
PORTS = {80: 8080, 81: 8081}
LARGE = "/5g"
PATHS = ("/1k", "/64k", LARGE)


def identity(account):
    return f"spiffe://cluster.local/ns/bench/sa/{account}"


def make_namespaces():
    """The pods on one bridge, which also has the control plane's address."""
    host = Namespace("host")
    run("ip", "-n", host.name, "link", "add", "bridge", "type", "bridge")
    run("ip", "-n", host.name, "address", "add", f"{CONTROL}/24", "dev", "bridge")
    run("ip", "-n", host.name, "link", "set", "bridge", "up")
    namespaces = {"host": host}
    for name, address in ADDRESSES.items():
        namespace = Namespace(name)
        device = "v-" + name
        run("ip", "-n", host.name, "link", "add", device, "type", "veth", "peer", "name", "eth0",
            "netns", namespace.name)
        run("ip", "-n", host.name, "link", "set", device, "master", "bridge", "up")
        run("ip", "-n", namespace.name, "link", "set", "eth0", "up")
        run("ip", "-n", namespace.name, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", namespace.name, "route", "add", "default", "via", CONTROL)
        namespaces[name] = namespace
    for name in ADDRESSES:
        until(f"carrier of {name}", lambda: "LOWER_UP" in run(
            "ip", "-n", namespaces[name].name, "-o", "link", "show", "eth0"))
    return namespaces


def _waypoint_pod(name):
    """Of no node: nothing is captured there."""
    item = pod(name + "-0", "n2", ADDRESSES[name], name)
    item["metadata"]["labels"] = {
        "gateway.networking.k8s.io/gateway-name": name, "networking.istio.io/tunnel": "http",
        "istio.io/dataplane-mode": "none"}
    return item


def _gateway(name):
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": name, "namespace": "bench"},
            "spec": {"gatewayClassName": "istio-waypoint",
                     "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]}}


def _service(waypoint, name=None, address=None):
    ports = [{"name": "http-web", "port": 80, "targetPort": PORTS[80]},
             {"name": "http2-web", "port": 81, "targetPort": PORTS[81]}]
    return {"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web-" + (name or waypoint), "namespace": "bench",
                         "labels": {"istio.io/use-waypoint": waypoint}},
            "spec": {"clusterIP": address or SERVICES[waypoint], "selector": {"app": "server"}, "ports": ports}}


def route(number=0, value="bench", mark="header", port=80, service="apus"):
    """One rule by a header; the first is the one that the load takes. `mark` is what the endpoint sees of it. Each port
    has a route of its own, so that HTTP/2 goes on as HTTP/2."""
    parents = [{"group": "", "kind": "Service", "name": "web-" + service, "port": port}]
    backends = [{"name": "web-" + service, "port": port}]
    rules = [{"matches": [{"headers": [{"name": "x-user", "value": value}]}], "backendRefs": backends, "filters": [{
        "type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "x-route", "value": mark}]}}]}]
    if number == 0:
        rules.append({"backendRefs": backends})
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": f"{service}-by-header-{port}-{number}", "namespace": "bench"},
            "spec": {"parentRefs": parents, "rules": rules}}


def policy(number=0, path=None, service="apus"):
    rule = {"from": [{"source": {"principals": ["cluster.local/ns/bench/sa/client"]}}],
            "to": [{"operation": {"methods": ["GET"], "paths": [path] if path else list(PATHS)}}]}
    return {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"name": f"{service}-callers-{number:04}", "namespace": "bench"},
            "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": "web-" + service}], "action": "ALLOW",
                     "rules": [rule]}}


def write_resources(folder, more=1, mark="header", policies=True, many=0):
    """Everything, replaced in one step. `more`: how many routes and policies there are. `many`: how many a service of
    its own has; those that the load takes are the last by name."""
    items = [{"apiVersion": "v1", "kind": "Namespace",
              "metadata": {"name": "bench", "labels": {"istio.io/dataplane-mode": "ambient"}}}]
    items += [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in ("n1", "n2")]
    items += [pod("client", "n1", ADDRESSES["client"], "client"), pod("server", "n2", ADDRESSES["server"], "server")]
    for name in ("apus", "envoy"):
        items += [_waypoint_pod(name), _gateway(name), _service(name)]
        items.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "bench"}})
    items += [route(mark=mark, port=port) for port in PORTS]
    items += [route(number, f"other-{number}") for number in range(1, more)]
    if policies:
        items += [policy()] + [policy(number, f"/other/{number}") for number in range(1, more)]
    if many:
        items += [_service("apus", "many", MANY), route(many, mark=mark, service="many"), policy(many, service="many")]
        items += [route(number, f"other-{number}", service="many") for number in range(1, many)]
        items += [policy(number, f"/other/{number}", service="many") for number in range(1, many)]
    os.makedirs(folder, exist_ok=True)
    made = os.path.join(os.path.dirname(folder), "resources.making")
    with open(made, "w") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": items}, file)
    os.replace(made, os.path.join(folder, "bench.yaml"))


class WaypointMesh:
    """apusd, two ztunnels and both waypoints; started once, waypoints are restarted for each kind of run."""

    def __init__(self, folder, programs, envoy, namespaces, loops):
        self.folder = folder
        self.namespaces = namespaces
        self.mesh = Mesh(namespaces["host"], folder, programs, loops)
        self.proxies = {}
        self._envoy = envoy
        self.without_policy = False

    def start(self):
        mesh = self.mesh
        write_resources(mesh.resources, policies=not self.without_policy)
        mesh.start_control(f"0.0.0.0:{CONTROL_PORT}", "--server-name", CONTROL)
        for node, name in (("n1", "client"), ("n2", "server")):
            mesh.start_node(node)
            mesh.attach(node, self.namespaces[name], name)
            mesh.wait_captured(node, [name])

    def start_waypoints(self, workers, log):
        """Both, so that spans can go from one to the other."""
        self._start_apus(workers, log)
        self._start_envoy(workers, log)
        for name in SERVICES:
            self.wait_answer(SERVICES[name], name)

    def stop_waypoints(self):
        for proxy in self.proxies.values():
            proxy.stop(seconds=7)
        self.proxies = {}

    def stop(self):
        self.stop_waypoints()
        self.mesh.stop()

    def _start_apus(self, workers, log):
        state = self.mesh.state
        token = os.path.join(state, "account-tokens", "bench.apus")
        until("a token of the waypoint", lambda: os.path.exists(token))
        environment = {
            "POD_NAME": "apus-0", "POD_NAMESPACE": "bench", "SERVICE_ACCOUNT": "apus", "GATEWAY_NAME": "apus",
            "XDS_ADDRESS": f"https://{CONTROL}:{CONTROL_PORT}", "CA_ADDRESS": f"https://{CONTROL}:{CONTROL_PORT}",
            "XDS_ROOT_CA": os.path.join(state, "root.crt"), "CA_ROOT_CA": os.path.join(state, "root.crt"),
            "AUTH_TOKEN": token, "WAYPOINT_WORKER_THREADS": str(workers),
            "RUST_LOG": "info" if log else "info,access=off",
        }
        self.proxies["apus"] = Running(
            f"waypoint-apus-{workers}", self.namespaces["apus"].command(self.mesh.program("waypoint")), self.folder,
            environment)

    def _start_envoy(self, workers, log):
        state = self.mesh.state
        crt, key = certificates.issue(self.folder, "envoy", identity("envoy"),
                                      os.path.join(state, "ca.crt"), os.path.join(state, "ca.key"))
        config = envoy_waypoint.waypoint(
            crt, key, os.path.join(state, "root.crt"), f"{ADDRESSES['envoy']}:15008",
            {port: f"{ADDRESSES['server']}:{target}" for port, target in PORTS.items()},
            identity("client"), identity("server"), PATHS, http2_ports=(81,),
            log=os.path.join(self.folder, "envoy-access.log") if log else None)
        path = os.path.join(self.folder, "envoy.json")
        with open(path, "w") as file:
            json.dump(config, file, indent=1)
        self.proxies["envoy"] = Running(f"waypoint-envoy-{workers}", self.namespaces["envoy"].command(
            self._envoy, "--config-path", path, "--concurrency", str(workers), "--use-dynamic-base-id",
            "--log-level", "warning"), self.folder)

    def wait_answer(self, address, name="apus"):
        command = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "2", "-H", "x-user: bench",
                   f"http://{address}/1k")

        def serves():
            self.proxies[name].expect_alive()
            return self.namespaces["client"].run(*command, check=False).strip() == "200"

        try:
            until(f"a request through the waypoint {name}", serves, seconds=30, interval=0.2)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.proxies[name].log_tail()}\n{self.mesh.nodes['n1'].log_tail()}")
