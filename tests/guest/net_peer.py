#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The host's side of the network tests: net_peer.py PORTS-FILE

Listens on loopback only: HTTP (/down/BYTES; /check has the guest's forwarded ports looked at), an
upload port that answers with the MD5 sum, line echo over TCP, echo over UDP, a DNS server on
127.0.0.77:53 where that is allowed. Writes the numbers of its ports, and free ones to forward from,
as shell variables.
"""
import hashlib
import http.server
import socket
import socketserver
import sys
import threading
import urllib.request

BLOCK = bytes((i * 7 + i // 251) & 255 for i in range(65536))


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


FWD_TCP, FWD_UDP = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)


def check_forwards():
    """What is behind the forwarded ports: a file by HTTP, an echo by UDP."""
    out = []
    try:
        url = f"http://127.0.0.1:{FWD_TCP}/file"
        with urllib.request.urlopen(url, timeout=60) as r:
            out.append("FWDTCP:" + hashlib.md5(r.read()).hexdigest())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(20)
            good = 0
            for n in range(20):
                data = BLOCK[n:n + 1 + n * 70]
                s.sendto(data, ("127.0.0.1", FWD_UDP))
                good += s.recv(65536) == data
            out.append(f"FWDUDP:{good}")
    except OSError as e:
        out.append(f"FWDERROR:{e}")
    return "\n".join(out) + "\n"


class Http(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        part = self.path.split("/")
        if part[1] == "check":
            self.answer(check_forwards().encode(), None)
        elif part[1] == "down":
            self.answer(b"", int(part[2]))
        else:
            self.send_error(404)

    def answer(self, body, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size if size is not None else len(body)))
        self.end_headers()
        self.wfile.write(body)
        left = size or 0
        while left:
            now = min(left, len(BLOCK))
            self.wfile.write(BLOCK[:now])
            left -= now

    def log_message(self, *args):
        pass


class Upload(socketserver.BaseRequestHandler):
    def handle(self):
        md5 = hashlib.md5()
        while data := self.request.recv(262144):
            md5.update(data)
        self.request.sendall(md5.hexdigest().encode() + b"\n")


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(4096))


class UdpEcho(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0], self.client_address)


class Dns(socketserver.BaseRequestHandler):
    """Any name is 192.0.2.53."""

    def handle(self):
        q, s = self.request
        head = q[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
        end = q.index(b"\0", 12) + 5
        if q[end - 4:end - 2] != b"\0\x01":
            s.sendto(q[:2] + b"\x81\x80\x00\x01\0\0\0\0\0\0" + q[12:end], self.client_address)
            return
        answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + bytes([192, 0, 2, 53])
        s.sendto(head + q[12:end] + answer, self.client_address)


class Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


class Tcp6(Tcp):
    address_family = socket.AF_INET6


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    ports = {"HTTP": serve(Tcp(("127.0.0.1", 0), Http)),
             "UPLOAD": serve(Tcp(("127.0.0.1", 0), Upload)),
             "ECHO": serve(Tcp(("127.0.0.1", 0), Echo)),
             "UDP": serve(socketserver.UDPServer(("127.0.0.1", 0), UdpEcho)),
             "FWD_TCP": FWD_TCP, "FWD_UDP": FWD_UDP, "HTTP6": 0, "DNS": 0}
    try:
        ports["HTTP6"] = serve(Tcp6(("::1", 0), Http))
    except OSError:
        pass
    try:
        ports["DNS"] = serve(socketserver.UDPServer(("127.0.0.77", 53), Dns))
    except OSError:
        pass
    with open(sys.argv[1], "w") as f:
        f.writelines(f"{k}={v}\n" for k, v in ports.items())
    threading.Event().wait()


main()
