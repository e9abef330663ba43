#!/usr/bin/env python3
"""Writes Envoy's configuration for an HBONE client or server. Used by the benchmark and by Tests/Interop.

    envoy_config.py client --certificate F --key F --roots F --peer 10.0.0.2:15008 \\
        --expect spiffe://cluster.local/ns/a/sa/b --tunnel 127.0.0.1:8080=10.0.0.2:8080 [--tunnel ...]
    envoy_config.py server --certificate F --key F --roots F --listen 10.0.0.2:15008 \\
        --expect-prefix spiffe://cluster.local/ [--allow-port 8080 ...]

Prints JSON (which Envoy reads as YAML): pass it with --config-path FILE.json.
"""

import argparse
import json

PORT_HBONE = 15008
STREAM_WINDOW_BYTES = 4 << 20
CONNECTION_WINDOW_BYTES = 16 << 20
# Envoy's breakers open at 1,024, which a benchmark with 1,000 connections would hit.
BREAKER_MAX = 1_000_000


def _split(text):
    """HOST:PORT or [HOST]:PORT."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _socket(text):
    host, port = _split(text)
    return {"socket_address": {"address": host, "port_value": port}}


def _typed(name, **fields):
    return {"@type": "type.googleapis.com/" + name, **fields}


def _tls(certificate, key, roots, name_match):
    """TLS 1.3 with h2 only; the peer's URI name has to match."""
    return {
        "alpn_protocols": ["h2"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificates": [{"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}],
        "validation_context": {
            "trusted_ca": {"filename": roots},
            "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": name_match}],
        },
    }


def _http2(**more):
    return {
        "allow_connect": True,
        "initial_stream_window_size": STREAM_WINDOW_BYTES,
        "initial_connection_window_size": CONNECTION_WINDOW_BYTES,
        **more,
    }


_BREAKERS = {"thresholds": [{
    "max_connections": BREAKER_MAX, "max_pending_requests": BREAKER_MAX,
    "max_requests": BREAKER_MAX, "max_retries": BREAKER_MAX,
}]}


def _bootstrap(listeners, clusters, admin):
    config = {"static_resources": {"listeners": listeners, "clusters": clusters}}
    if admin:
        config["admin"] = {"address": {"pipe": {"path": admin}}}
    return config


def client(certificate, key, roots, peer, expect, tunnels, admin=None):
    """TCP in, HBONE out. `tunnels`: pairs of listening address and CONNECT authority."""
    listeners = []
    for number, (listen, authority) in enumerate(tunnels):
        proxy = _typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", stat_prefix=f"tunnel{number}",
                       cluster="peer", idle_timeout="0s", tunneling_config={"hostname": authority})
        listeners.append({
            "name": f"tunnel{number}", "address": _socket(listen),
            "filter_chains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}],
        })
    host, port = _split(peer)
    cluster = {
        "name": "peer", "type": "STATIC", "connect_timeout": "5s", "circuit_breakers": _BREAKERS,
        "load_assignment": {"cluster_name": "peer", "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _typed(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http2_protocol_options": _http2()})},
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": _typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                                   common_tls_context=_tls(certificate, key, roots, {"exact": expect}))},
    }
    return _bootstrap(listeners, [cluster], admin)


def server(certificate, key, roots, listen, expect_prefix, allow_ports=(), admin=None):
    """HBONE in, TCP out to the CONNECT authority."""
    if isinstance(listen, str):
        listen = [listen]
    filters = []
    if allow_ports:
        # A server that connects anywhere would be an open relay.
        permissions = [{"header": {"name": ":authority", "string_match": {"suffix": f":{port}"}}}
                       for port in allow_ports]
        policy = {"permissions": permissions, "principals": [{"any": True}]}
        filters.append({"name": "envoy.filters.http.rbac", "typed_config": _typed(
            "envoy.extensions.filters.http.rbac.v3.RBAC", rules={"action": "ALLOW", "policies": {"ports": policy}})})
    filters.append({"name": "envoy.filters.http.router",
                    "typed_config": _typed("envoy.extensions.filters.http.router.v3.Router")})
    route = {
        "match": {"connect_matcher": {}},
        "route": {"cluster": "application", "timeout": "0s", "idle_timeout": "0s",
                  "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]},
    }
    manager = _typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="hbone", codec_type="HTTP2", stream_idle_timeout="0s",
        http2_protocol_options=_http2(max_concurrent_streams=100_000),
        upgrade_configs=[{"upgrade_type": "CONNECT"}], http_filters=filters,
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]})
    tls = _typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", require_client_certificate=True,
                 common_tls_context=_tls(certificate, key, roots, {"prefix": expect_prefix}))
    listeners = [{
        "name": f"hbone{number}", "address": _socket(address),
        "filter_chains": [{
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
            "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
    } for number, address in enumerate(listen)]
    cluster = {
        "name": "application", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "5s",
        "circuit_breakers": _BREAKERS,
        "original_dst_lb_config": {"use_http_header": True, "http_header_name": ":authority"},
    }
    return _bootstrap(listeners, [cluster], admin)


def _main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("client", "server"):
        command = commands.add_parser(name)
        for option in ("certificate", "key", "roots"):
            command.add_argument("--" + option, required=True)
        command.add_argument("--admin", help="path of a Unix socket")
    commands.choices["client"].add_argument("--peer", required=True)
    commands.choices["client"].add_argument("--expect", required=True)
    commands.choices["client"].add_argument("--tunnel", action="append", required=True, metavar="LISTEN=AUTHORITY")
    commands.choices["server"].add_argument("--listen", action="append", required=True)
    commands.choices["server"].add_argument("--expect-prefix", required=True)
    commands.choices["server"].add_argument("--allow-port", action="append", default=[], type=int)
    options = parser.parse_args()
    if options.command == "client":
        config = client(options.certificate, options.key, options.roots, options.peer, options.expect,
                        [tuple(tunnel.split("=", 1)) for tunnel in options.tunnel], options.admin)
    else:
        config = server(options.certificate, options.key, options.roots, options.listen, options.expect_prefix,
                        options.allow_port, options.admin)
    print(json.dumps(config, indent=1))


if __name__ == "__main__":
    _main()
