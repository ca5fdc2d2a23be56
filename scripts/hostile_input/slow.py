"""Requests that never become whole, for scripts/hostile."""
import select
import threading
import time

from hostile_input.bed import check, open_socket

SILENT_S = 75  # the server's time-out for a client that sends nothing; one that dribbles has twice as long
CONTROL_SILENT_S = 60


class Dribble(threading.Thread):
    """Requests at every port that come byte by byte, or stop in the middle, as long as the attack goes on."""

    BEGINNINGS = {"line": b"GET /", "headers": b"GET /ping HTTP/1.1\r\nHost: h\r\nX-Slow: ",
                  "body": b"POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n",
                  "silent": b"GET /ping HTTP/1.1\r\nHos"}

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.start_s, self.is_over, self.cuts, self.open = time.monotonic(), threading.Event(), [], {}
        for name, where in [*cluster.http.items(), ("kafka", cluster.kafka)]:
            for kind, text in self.BEGINNINGS.items():
                sock = open_socket(where)
                sock.sendall(b"\0\1\0\0" if name == "kafka" else text)  # a frame of 64 KiB
                self.open[sock] = name, kind
        self.start()

    def run(self):
        while not self.is_over.wait(0.4):
            for sock in list(self.open):
                try:
                    is_cut = select.select([sock], [], [], 0)[0] and sock.recv(4096) == b""
                    if not is_cut and self.open[sock][1] != "silent":
                        sock.sendall(b"a")
                except OSError:
                    is_cut = True
                if is_cut:
                    self.cuts.append((*self.open.pop(sock), time.monotonic() - self.start_s))
                    sock.close()

    def end(self, is_awaiting):
        """None was cut early; when it is awaited, all were cut when they should be. A broker has no such time-out."""
        until = self.start_s + 2 * SILENT_S + 10
        while is_awaiting and time.monotonic() < until and any(name != "kafka" for name, _ in self.open.values()):
            time.sleep(0.2)
        self.is_over.set()
        self.join()
        for name, kind, after in self.cuts:
            least = CONTROL_SILENT_S if name == "control" else SILENT_S
            most = least + 5 if kind == "silent" else 2 * least + 5
            check("slow requests", name != "kafka" and least - 1 <= after <= most, f"{name}, {kind}: after {after:.0f} s")
        left = [f"{name}, {kind}" for name, kind in self.open.values() if name != "kafka"]
        check("slow requests", not is_awaiting or not left, f"still open: {left}")
        for sock in self.open:
            sock.close()
        by_kind = {kind: [cut[2] for cut in self.cuts if cut[1] == kind] for kind in self.BEGINNINGS}
        print("   slow requests cut: " + (", ".join(f"{kind} {len(cuts)} after {min(cuts):.0f} to {max(cuts):.0f} s"
                                                    for kind, cuts in by_kind.items() if cuts) or "none yet"))
