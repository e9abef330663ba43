"""What the benchmark talks to: nginx with small files, iperf3, both in the server pod."""

import os

from namespaces import until
from processes import Running

HTTP_PORT = 8080
HTTP2_PORT = 8081
IPERF_PORT = 5201

# Long-lived: no connection is closed by nginx's own limits, and nothing is written per request.
_NGINX = """
daemon off;
user root;
worker_processes 2;
worker_rlimit_nofile 16000;
error_log {folder}/nginx-error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 8000; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    add_header x-seen-route $http_x_route;
    server {{ listen {port} backlog=4096 reuseport; listen [::]:{port} backlog=4096 reuseport; root {folder}/www; }}
    server {{ listen {http2} http2 backlog=4096 reuseport; root {folder}/www; }}
}}
"""


def start(namespace, address, folder):
    """Starts both; returns the running programs."""
    www = os.path.join(folder, "www")
    os.makedirs(www)
    for name, count in (("1k", 1 << 10), ("64k", 64 << 10)):
        with open(os.path.join(www, name), "w") as file:
            file.write("a" * count)
    configuration = os.path.join(folder, "nginx.conf")
    with open(configuration, "w") as file:
        file.write(_NGINX.format(folder=folder, port=HTTP_PORT, http2=HTTP2_PORT))
    running = [
        Running("nginx", namespace.command("nginx", "-c", configuration, "-p", folder), folder),
        Running("iperf3-server", namespace.command("iperf3", "-s", "-p", str(IPERF_PORT)), folder),
    ]

    def answers():
        for program in running:
            program.expect_alive()
        sockets = namespace.run("ss", "-Hltn")
        return all(f":{port} " in sockets for port in (HTTP_PORT, IPERF_PORT))

    until("nginx and iperf3 to listen", answers)
    return running
