"""The parts of a round of scripts/hostile."""
import select
import socket

from hostile_input.bed import INVOKE, JSON, ask, check, encoded, frame, head, open_socket, read_all, send, status_of

MIB, GIB = 1 << 20, 1 << 30


def random_bytes(cluster, draw):
    for name, where in [*cluster.http.items(), ("kafka", cluster.kafka)]:
        for size in (1, 16, 400, 20000):
            data = draw.randbytes(size)
            if size == 20000:
                data = data.replace(b"\n", b"x") + b"\r\n\r\n"
            with open_socket(where) as sock:
                send(sock, data)
                try:
                    sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                status = status_of(read_all(sock, 0.1))
            check("random bytes", status == 0 or 400 <= status <= 599, f"{name} answers {size} of them with {status}")
    for length in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):  # lengths of frames that are none
        with open_socket(cluster.kafka) as sock:
            send(sock, length.to_bytes(4, "big") + b"\0" * 64)
            read_all(sock, 0.2)
    for api in range(70):  # whole frames, of each kind and of none, with nonsense in them
        with open_socket(cluster.kafka) as sock:
            send(sock, frame(api, draw.randrange(16), draw.randbytes(draw.randrange(200))))
            sock.shutdown(socket.SHUT_WR)
            read_all(sock, 0.02)


def big_bodies(cluster):
    """A declared length of 1 GiB is refused before it is sent; in chunks it is cut as soon as it is over the limit."""
    for name, where in cluster.http.items():
        status = ask(where, head("POST", INVOKE, GIB, cluster.auth + JSON))
        check("1 GiB body", status == 413, f"{name}: {status}, wanted 413")
        sent, block = 0, b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with open_socket(where) as sock:
            send(sock, f"POST {INVOKE} HTTP/1.1\r\nHost: h\r\n{cluster.auth}{JSON}"
                       "Transfer-Encoding: chunked\r\n\r\n".encode())
            try:
                while sent < GIB and not select.select([sock], [], [], 0)[0]:
                    sock.sendall(block)
                    sent += 0x10000
            except OSError:
                pass
            status = status_of(read_all(sock, 0.2))
        check("1 GiB in chunks", status == 413, f"{name}: {status}, wanted 413")
        check("1 GiB in chunks", sent < 80 * MIB, f"{name}: cut after {sent / MIB:.0f} MiB, its limit is 50 or less")


def wrong_requests(cluster):
    wrong = encoded("nobody:nothing")

    def invoke(name, wanted, more, body=b"{}"):
        status = ask(cluster.http["edge"], head("POST", INVOKE, len(body), more) + body)
        check(name, status == wanted, f"{status}, wanted {wanted}")

    invoke("bad JSON", 400, cluster.auth + JSON, b'{"a":')
    invoke("JSON that is no object", 400, cluster.auth + JSON, b"[1]")
    invoke("deep JSON", 400, cluster.auth + JSON, b"[" * 100000)
    invoke("another content type", 415, cluster.auth + "Content-Type: text/plain\r\n", b"hello")
    invoke("no credentials", 401, JSON)
    invoke("wrong credentials", 401, f"Authorization: Basic {wrong}\r\n" + JSON)
    invoke("credentials that are no base64", 401, "Authorization: Basic !!!!\r\n" + JSON)
    for more in (f"Authorization: Basic {wrong}\r\n", "Authorization: Basic ====\r\n"):
        for name in ("controller0", "scheduler0", "invoker0"):
            status = ask(cluster.nodes[name], head("POST", "/disable", 0, more))
            check(f"disable of {name}", status == 401, f"{status}, wanted 401")
    status = ask(cluster.http["control"], head("POST", "/nodes/scheduler0/kill", 0, "Authorization: Bearer guess\r\n"))
    check("a guessed token", status == 401, f"{status}, wanted 401")
    for path in ("kv/put", "kv/range", "kv/deleterange", "kv/txn", "lease/grant", "watch"):
        bodies = [b"{", b"[]", b"\0\0", b"[" * 50000]
        if path in ("kv/put", "kv/range"):
            bodies += [b'{"key":"%%%%"}', b'{"key":12}']
        for body in bodies:
            status = ask(cluster.etcd, head("POST", f"/v3/{path}", len(body), JSON) + body)
            wanted = 500 if path == "watch" else 400  # as etcd 3.4 does: a stream that cannot be opened
            check(f"{path} with nonsense", status == wanted, f"{body[:20]!r}: {status}, wanted {wanted}")
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
                 b"GET / HTTP/9.9\r\nHost: h\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n"):
        for name, where in cluster.http.items():
            status = ask(where, data)
            check("a malformed request", status == 0 or 400 <= status <= 599, f"{name}: {data[:40]!r}: {status}")


def pipelined(cluster):
    count, one = 200, b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"
    for name, where in cluster.pinged.items():
        with open_socket(where) as sock:
            send(sock, one * count + head("GET", "/ping"))
            answers = read_all(sock, 5).count(b"HTTP/1.1 200")
        check("pipelining", answers == count + 1, f"{name}: {answers} answers to {count + 1} requests")


def hold(cluster, name, count, sockets):
    """So many, idle or with half a request that goes on byte by byte; all are answered, and one more."""
    where = cluster.http.get(name, cluster.kafka)
    is_http = name in cluster.http
    for number in range(count):
        sockets.append(open_socket(where))
        if number % 3 == 0:
            sockets[-1].sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\nX-Slow: " if is_http else b"\0\0\1")
        elif number % 3 == 1:
            sockets[-1].sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n" if is_http else frame(18, 0, b""))
    for sock in sockets[1::3]:
        answer = sock.recv(4096)
        is_right = len(answer) > 14 if not is_http else status_of(answer) in (200, 401, 404, 405)
        check("many connections", is_right, f"{name}: one was answered {answer[:40]!r}")
    for sock in sockets[::3]:
        sock.sendall(b"a")


def many_connections(cluster, count):
    """At one port as many as told; at each other 200, of which the control address has no more than 256."""
    for name in [*cluster.http, "kafka"]:
        sockets = []
        try:
            hold(cluster, name, count if name == "controller1" else 200, sockets)
            if name in cluster.pinged:
                status = ask(cluster.http[name], head("GET", "/ping"))
                check("many connections", status == 200, f"{name}: one more: {status}")
        except OSError as error:
            check("many connections", False, f"{name} after {len(sockets)}: {error}")
        for number, sock in enumerate(sockets):
            if number % 2 == 0:  # half of them are reset
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
