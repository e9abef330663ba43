#!/usr/bin/env python3
"""Nodes and containers of the cluster tests: as a machine and its container runtime make them, without images.

    runtime.py node FOLDER      a machine: process numbers, mounts and cgroups of its own; FOLDER/run/apus is its /run/apus,
                                its cgroups lie below /run/cgroup/NAME, where NAME is the folder's last two parts;
                                prints the number of its first process; ends with it, and everything on it
    runtime.py container FILE   FILE is JSON: node (the number of its first process), cgroup, root (an empty folder),
                                programs (names and where they lie), mounts (source, target, readOnly, follows), hosts,
                                isReadOnly, user, group, capabilities, environment, directory, command;
                                writes the program's number to FILE.process and ends as it does
"""
import ctypes
import json
import os
import signal
import subprocess
import sys

NEW_MOUNTS, NEW_PROCESSES = 0x00020000, 0x20000000
PARENT_DEATH_SIGNAL = 1
# What a container has of its own; the rest is the machine's.
OWN = {"run", "tmp", "var", "home", "root", "srv", "mnt", "media", "boot", "lost+found"}
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def enter(process, kind):
    descriptor = os.open(f"/proc/{process}/ns/{kind}", os.O_RDONLY)
    check(libc.setns(descriptor, 0), f"{kind} namespace of {process}")
    os.close(descriptor)


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def forward(child, numbers):
    """Hands signals on, and ends as the child does."""
    for number in numbers:
        signal.signal(number, lambda number, _: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


# --- a node --------------------------------------------------------------------------------------------------------

def node(folder):
    check(libc.unshare(NEW_MOUNTS), "unshare")
    mount("--make-rslave", "/")
    # Namespaces of pods are bound there later, and must be seen.
    os.makedirs(f"{folder}/namespaces", exist_ok=True)
    mount("--bind", "/run/netns", f"{folder}/namespaces")
    mount("-t", "tmpfs", "tmpfs", "/run")
    os.makedirs("/run/netns")
    mount("--move", f"{folder}/namespaces", "/run/netns")
    os.makedirs("/run/cgroup")
    if subprocess.run(["mount", "-t", "cgroup2", "cgroup2", "/run/cgroup"]).returncode:
        mount("-t", "cgroup", "-o", "none,name=apus", "none", "/run/cgroup")
    cgroup = "/run/cgroup/" + "-".join(folder.split("/")[-2:])
    os.makedirs(f"{cgroup}/kubepods")
    for name in ("run/apus", "etc/cni/net.d", "opt/cni/bin"):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
    os.makedirs("/run/apus")
    mount("--bind", f"{folder}/run/apus", "/run/apus")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    # The next child is the first process there, so nothing is started in between.
    check(libc.unshare(NEW_PROCESSES), "unshare")
    child = os.fork()
    if child == 0:
        libc.prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
        mount("-t", "proc", "proc", "/proc")
        # The first process of a machine is the parent of orphans.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            signal.pause()
    print(child, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.waitpid(child, 0)
    for path, _, _ in os.walk(cgroup, topdown=False):
        os.rmdir(path)


# --- a container ---------------------------------------------------------------------------------------------------

def make_root(container):
    root = container["root"]
    mount("-t", "tmpfs", "tmpfs", root)
    for name in os.listdir("/"):
        path = f"/{name}"
        if os.path.islink(path):
            os.symlink(os.readlink(path), root + path)
        elif os.path.isdir(path) and name not in OWN:
            os.mkdir(root + path)
            mount("--rbind", path, root + path)
    for name in ("run", "tmp", "var", "var/lib"):
        os.mkdir(f"{root}/{name}")
    os.chmod(f"{root}/tmp", 0o1777)
    os.symlink("../run", f"{root}/var/run")
    mount("--bind", container["hosts"], f"{root}/etc/hosts")
    if container["programs"]:
        mount("-t", "tmpfs", "tmpfs", f"{root}/usr/local/bin")
    for name, source in container["programs"].items():
        target = f"{root}/usr/local/bin/{name}"
        open(target, "w").close()
        mount("--bind", source, target)
    for one in container["mounts"]:
        # A link such as /var/run leads elsewhere from outside of the root.
        target = root + one["target"].replace("/var/run/", "/run/", 1)
        os.makedirs(target, exist_ok=True)
        mount("--rbind", one["source"], target)
        mount("--make-rslave" if one["follows"] else "--make-rprivate", target)
        if one["readOnly"]:
            mount("-o", "remount,bind,ro", target)
    if container["isReadOnly"]:
        mount("-o", "remount,bind,ro", root)
    return root


def start(container):
    enter(container["node"], "mnt")
    check(libc.unshare(NEW_MOUNTS), "unshare")
    mount("--make-rslave", "/")
    with open(f"{container['cgroup']}/cgroup.procs", "w") as file:
        file.write("0")
    os.chroot(make_root(container))
    os.chdir(container["directory"])
    bounds = ",".join(["-all"] + [f"+{name.lower()}" for name in container["capabilities"]])
    words = ["setpriv", "--no-new-privs", "--inh-caps=-all", f"--bounding-set={bounds}", "--clear-groups"]
    words += [f"--reuid={container['user']}", f"--regid={container['group']}"]
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    os.execvpe("setpriv", words + container["command"], {"PATH": path} | container["environment"])


def container(path):
    with open(path) as file:
        told = json.load(file)
    numbers = [signal.SIGTERM, signal.SIGINT]
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    enter(told["node"], "pid")
    os.makedirs(told["root"], exist_ok=True)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        try:
            start(told)
        except BaseException as error:
            print("container not started:", error, flush=True)
        os._exit(127)
    with open(path + ".process.new", "w") as file:
        file.write(str(child))
    os.rename(path + ".process.new", path + ".process")
    sys.exit(forward(child, numbers))


if __name__ == "__main__":
    {"node": node, "container": container}[sys.argv[1]](sys.argv[2])
