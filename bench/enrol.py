"""How long until many attached pods of one node are captured."""

import concurrent.futures
import os
import time

from mesh import Mesh, pod, write_resources
from namespaces import Namespace, run


def _make_pods(count):
    """Namespaces with an address each. They are not joined: each pod proves its own rules."""
    def make(number):
        namespace = Namespace(f"e{number}")
        address = f"10.97.{number // 250}.{number % 250 + 1}"
        run("ip", "-n", namespace.name, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0peer")
        run("ip", "-n", namespace.name, "link", "set", "eth0", "up")
        run("ip", "-n", namespace.name, "address", "add", f"{address}/16", "dev", "eth0")
        return namespace, address

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(make, range(count)))


def measure(folder, programs, count):
    """Rows of title and value."""
    own = os.path.join(folder, "enrol")
    os.makedirs(own)
    mesh = Mesh(Namespace("node"), own, programs)
    namespaces = _make_pods(count)
    names = [f"p{number}" for number in range(count)]
    pods = [pod(name, "n1", address, f"sa{number % 20}")
            for number, (name, (_, address)) in enumerate(zip(names, namespaces))]
    try:
        write_resources(mesh.resources, pods, ambient=False)
        mesh.start_control()
        mesh.start_node("n1")
        node = mesh.nodes["n1"]
        before = node.memory_mib("VmRSS")
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda pair: mesh.attach("n1", pair[1][0], pair[0]), zip(names, namespaces)))
        attached = time.monotonic() - began
        cpu = node.cpu_seconds()
        began = time.monotonic()
        write_resources(mesh.resources, pods, ambient=True)
        mesh.wait_captured("n1", names, seconds=120)
        captured = time.monotonic() - began
        return [
            (f"{count} pods attached (one `apus attach` each, 4 at a time), s", f"{attached:.2f}"),
            ("namespace labelled until all are captured, s", f"{captured:.2f}"),
            ("CPU s of ztunnel for that", f"{node.cpu_seconds() - cpu:.2f}"),
            ("RSS of ztunnel before and after, MiB", f"{before:.1f}, {node.memory_mib('VmRSS'):.1f}"),
        ]
    finally:
        mesh.stop()
