"""What the parts of scripts/hostile share: the cluster, sockets, answers, and what was wrong."""
import base64
import os
import socket
import time
from urllib.parse import urlsplit

INVOKE = "/api/v1/namespaces/_/actions/hello?blocking=true"
JSON = "Content-Type: application/json\r\n"
SOON_S = 1.0  # every port answers within it
problems = []


def check(name, ok, what=""):
    if not ok:
        problems.append(f"{name}: {what}")
        print(f"hostile: {name}: {what}", flush=True)


def address(url):
    parts = urlsplit(url if "//" in url else "//" + url)
    return parts.hostname, parts.port


class Cluster:
    """What cluster.json says, and the process."""

    secrets = []

    def __init__(self, told, pid):
        self.pid = pid
        self.nodes = {node["name"]: address(node["url"]) for node in told["nodes"]}
        self.kafka, self.etcd = address(told["kafka"]), address(told["etcd"])
        self.pinged = {**self.nodes, "edge": address(told["edge"])}
        self.http = {**self.pinged, "etcd": self.etcd, "control": address(told["control"]["url"])}
        for node in told["nodes"]:
            for kind in ("rpc_port", "remoting_port"):
                if kind in node:
                    self.http[f'{node["name"]}.{kind}'] = (self.nodes[node["name"]][0], node[kind])
        guest = told["namespaces"]["guest"]
        self.auth = "Authorization: Basic " + encoded(f'{guest["uuid"]}:{guest["key"]}') + "\r\n"
        passwords = [tier["password"] for tier in told["credentials"].values()]
        Cluster.secrets = [text.encode() for text in [guest["key"], told["control"]["token"], *passwords]]

    def size(self):
        """MiB resident; descriptors without its connections with itself (the load opens what it needs); all."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        links = set()
        for number in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                links.add((number, os.readlink(f"/proc/{self.pid}/fd/{number}")))
            except OSError:
                pass  # closed in between
        with open("/proc/net/tcp", encoding="ascii") as file:
            rows = [line.split() for line in file]
        ends = {f"socket:[{row[9]}]": (row[1], row[2]) for row in rows[1:]}
        mine = {ends[link][0] for _, link in links if link in ends}
        own = sum(link in ends and ends[link][1] in mine for _, link in links)
        return int(fields["VmRSS"].split()[0]) / 1024, len(links) - own, len(links)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def open_socket(where):
    sock = socket.create_connection(where, timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def send(sock, data):
    """As much of it as the other end takes."""
    try:
        sock.sendall(data)
    except OSError:
        pass


def read_all(sock, seconds):
    """What comes until the peer closes, or nothing comes for so long."""
    got = b""
    sock.settimeout(seconds)
    try:
        while more := sock.recv(65536):
            got += more
    except OSError:
        pass
    check("a secret in an answer", not any(secret in got for secret in Cluster.secrets), repr(got[:300]))
    return got


def head(method, path, length=0, more=""):
    return (f"{method} {path} HTTP/1.1\r\nHost: hostile\r\nConnection: close\r\n"
            f"Content-Length: {length}\r\n{more}\r\n").encode()


def status_of(answer):
    """0: none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if answer.startswith(b"HTTP/1.") and len(words) > 1 and words[1].isdigit() else 0


def ask(where, data):
    """The status of the first answer."""
    with open_socket(where) as sock:
        send(sock, data)
        return status_of(read_all(sock, 5))


def frame(api, version, body):
    data = api.to_bytes(2, "big") + version.to_bytes(2, "big") + b"\0\0\0\1\xff\xff" + body
    return len(data).to_bytes(4, "big") + data


def pings(cluster, name):
    """Everybody answers, and soon."""
    for node, where in cluster.pinged.items():
        start = time.monotonic()
        status = ask(where, head("GET", "/ping"))
        took = time.monotonic() - start
        check(f"after {name}", status == 200, f"{node} answers /ping with {status}")
        check(f"after {name}", took < SOON_S, f"{node} took {took:.2f} s for /ping")
    status = ask(cluster.etcd, head("POST", "/v3/kv/range", 14, JSON) + b'{"key":"bm9u"}')
    check(f"after {name}", status == 200, f"etcd answers a read with {status}")
    with open_socket(cluster.kafka) as sock:
        send(sock, frame(18, 0, b""))  # ApiVersions
        sock.settimeout(SOON_S)
        check(f"after {name}", len(sock.recv(4096)) > 14, "the broker does not tell its versions")
