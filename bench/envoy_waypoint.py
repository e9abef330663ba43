"""Envoy's configuration as a waypoint in front of one endpoint: HBONE in, requests judged and routed, HBONE out."""

from envoy_config import _BREAKERS, _bootstrap, _http2, _socket, _tls, _typed, PORT_HBONE

_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_PRINCIPAL = "io.istio.peer_principal"


def _manager(name, filters, routes, **more):
    config = _typed(
        _MANAGER, stat_prefix=name, stream_idle_timeout="0s",
        http_filters=filters + [{"name": "envoy.filters.http.router", "typed_config": _typed(
            "envoy.extensions.filters.http.router.v3.Router")}],
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]}, **more)
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}


def _internal(name, transport=None):
    """A cluster that leads to an internal listener."""
    inner = {"name": "envoy.transport_sockets.raw_buffer",
             "typed_config": _typed("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer")}
    return {
        "name": name, "type": "STATIC", "circuit_breakers": _BREAKERS,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
            "envoy_internal_address": {"server_listener_name": name}}}}]}]},
        "transport_socket": {
            "name": "envoy.transport_sockets.internal_upstream",
            "typed_config": _typed("envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
                                   transport_socket=inner)},
    }


def _entrance(certificate, key, roots, listen, ports):
    """CONNECT of callers; each port of the service has a listener of its own behind it. The caller's name goes along."""
    connect = {"upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
               "timeout": "0s", "idle_timeout": "0s"}
    routes = [{"match": {"connect_matcher": {}, "headers": [
        {"name": ":authority", "string_match": {"suffix": f":{port}"}}]},
        "route": {"cluster": f"inner-{port}", **connect}} for port in ports]
    remember = {"name": "envoy.filters.http.set_filter_state", "typed_config": _typed(
        "envoy.extensions.filters.http.set_filter_state.v3.Config", on_request_headers=[{
            "object_key": _PRINCIPAL, "factory_key": "envoy.string", "shared_with_upstream": "TRANSITIVE",
            "format_string": {"text_format_source": {"inline_string": "%DOWNSTREAM_PEER_URI_SAN%"}}}])}
    manager = _manager(
        "hbone", [remember], routes, codec_type="HTTP2", upgrade_configs=[{"upgrade_type": "CONNECT"}],
        http2_protocol_options=_http2(max_concurrent_streams=100_000))
    tls = _typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", require_client_certificate=True,
                 common_tls_context=_tls(certificate, key, roots, {"prefix": "spiffe://cluster.local/"}))
    return {"name": "hbone", "address": _socket(listen), "filter_chains": [{
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls}, "filters": [manager]}]}


def _requests(port, caller, paths, log):
    """Judges by caller, method and path, and routes by a header."""
    policy = {
        "permissions": [{"and_rules": {"rules": [
            {"header": {"name": ":method", "string_match": {"exact": "GET"}}},
            {"or_rules": {"rules": [{"url_path": {"path": {"exact": path}}} for path in paths]}}]}}],
        "principals": [{"filter_state": {"key": _PRINCIPAL, "string_match": {"exact": caller}}}],
    }
    judge = {"name": "envoy.filters.http.rbac", "typed_config": _typed(
        "envoy.extensions.filters.http.rbac.v3.RBAC", rules={"action": "ALLOW", "policies": {"callers": policy}})}
    target = {"cluster": f"endpoint-{port}", "timeout": "0s"}
    routes = [
        {"match": {"prefix": "/", "headers": [{"name": "x-user", "string_match": {"exact": "bench"}}]},
         "route": target, "request_headers_to_add": [{"header": {"key": "x-route", "value": "header"}}]},
        {"match": {"prefix": "/"}, "route": target},
    ]
    more = {"access_log": [{"name": "envoy.access_loggers.file", "typed_config": _typed(
        "envoy.extensions.access_loggers.file.v3.FileAccessLog", path=log)}]} if log else {}
    manager = _manager(f"requests-{port}", [judge], routes, codec_type="AUTO", **more)
    return {"name": f"inner-{port}", "internal_listener": {}, "filter_chains": [{"filters": [manager]}]}


def _exit(port, endpoint):
    proxy = _typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", stat_prefix="out", cluster="node",
                   idle_timeout="0s", tunneling_config={"hostname": endpoint})
    return {"name": f"endpoint-{port}", "internal_listener": {}, "filter_chains": [{
        "filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}]}


def _protocol(port, http2_ports):
    if port not in http2_ports:
        return {}
    return {"typed_extension_protocol_options": {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _typed(
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config={"http2_protocol_options": {}})}}


def waypoint(certificate, key, roots, listen, endpoints, caller, server, paths, http2_ports=(), log=None, admin=None):
    """`endpoints`: port of the service -> `HOST:PORT` of the one endpoint; `caller`, `server`: who may call, and whom
    we believe at the other end."""
    listeners = [_entrance(certificate, key, roots, listen, endpoints)]
    clusters = []
    for port, endpoint in endpoints.items():
        listeners += [_requests(port, caller, paths, log), _exit(port, endpoint)]
        clusters += [_internal(f"inner-{port}"), {**_internal(f"endpoint-{port}"), **_protocol(port, http2_ports)}]
    host = next(iter(endpoints.values())).rpartition(":")[0]
    clusters.append({
        "name": "node", "type": "STATIC", "connect_timeout": "5s", "circuit_breakers": _BREAKERS,
        "load_assignment": {"cluster_name": "node", "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {"address": host, "port_value": PORT_HBONE}}}}]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _typed(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http2_protocol_options": _http2()})},
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": _typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                                   common_tls_context=_tls(certificate, key, roots, {"exact": server}))},
    })
    config = _bootstrap(listeners, clusters, admin)
    config["bootstrap_extensions"] = [{
        "name": "envoy.bootstrap.internal_listener",
        "typed_config": _typed("envoy.extensions.bootstrap.internal_listener.v3.InternalListener")}]
    return config
