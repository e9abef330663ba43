#!/usr/bin/env python3
"""Certificates for foreign peers, made with the openssl program. Used by the benchmark and by Tests/Interop.

    certificates.py authority FOLDER                          ca.crt and ca.key of a new authority
    certificates.py issue FOLDER --uri URI [--ca-certificate F --ca-key F] [--name NAME]
                                                              NAME.crt (leaf) and NAME.key in FOLDER
"""

import argparse
import os
import subprocess


def _openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stdout.strip()}")


def make_authority(folder):
    """A P-256 root, valid for a day. Returns the paths of certificate and key."""
    os.makedirs(folder, exist_ok=True)
    certificate, key = os.path.join(folder, "ca.crt"), os.path.join(folder, "ca.key")
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    _openssl("req", "-x509", "-new", "-sha256", "-key", key, "-days", "1", "-subj", "/O=benchmark", "-out", certificate,
             "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return certificate, key


def issue(folder, name, uri, ca_certificate, ca_key):
    """A P-256 leaf for client and server use with one URI name. Returns the paths of certificate and key."""
    os.makedirs(folder, exist_ok=True)
    path = lambda ending: os.path.join(folder, name + ending)
    with open(path(".ext"), "w") as file:
        file.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                   f"extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=critical,URI:{uri}\n")
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path(".key"))
    _openssl("req", "-new", "-sha256", "-key", path(".key"), "-subj", "/", "-out", path(".csr"))
    _openssl("x509", "-req", "-sha256", "-in", path(".csr"), "-CA", ca_certificate, "-CAkey", ca_key, "-days", "1",
             "-set_serial", str(int.from_bytes(os.urandom(15), "big")), "-extfile", path(".ext"), "-out", path(".crt"))
    return path(".crt"), path(".key")


def _main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("authority").add_argument("folder")
    leaf = commands.add_parser("issue")
    leaf.add_argument("folder")
    leaf.add_argument("--uri", required=True)
    leaf.add_argument("--name", default="peer")
    leaf.add_argument("--ca-certificate")
    leaf.add_argument("--ca-key")
    options = parser.parse_args()
    if options.command == "authority":
        make_authority(options.folder)
    else:
        issue(options.folder, options.name, options.uri,
              options.ca_certificate or os.path.join(options.folder, "ca.crt"),
              options.ca_key or os.path.join(options.folder, "ca.key"))


if __name__ == "__main__":
    _main()
