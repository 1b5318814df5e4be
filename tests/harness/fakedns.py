#!/usr/bin/env python3
"""A name server for tests: answers from a table, over UDP and TCP on one port of the loopback interface.

    fakedns.py [--address 127.0.0.1] [--port 0] [--log FILE] TABLE

It prints "ADDRESS PORT" when it is ready and ends when its standard input does. The table is read again whenever the
file changes. A line is `NAME TYPE DATA`, a comment begins with `#`:

    example.test       MX        10 mx1.example.test
    null.test          MX        0 .
    mx1.example.test   A         127.0.0.1
    mx1.example.test   AAAA      ::1
    www.example.test   CNAME     mx1.example.test
    *.wild.test        A         127.0.0.1      any name under it that has no lines of its own
    broken.test        SERVFAIL                 this answer code to every question; also REFUSED, NXDOMAIN
    half.test          SERVFAIL  AAAA           ... only to questions for this type
    silent.test        DROP                     no answer; with a type: none to that type
    slow.test          DELAY     300            milliseconds before each answer
    big.test           TRUNCATE                 over UDP only the flag that sends the client to TCP
    lame.test          REFER     ns.other.test  a referral in place of an answer

A name without lines does not exist (NXDOMAIN); one with lines has no data of the other types. Both negative answers
carry an SOA, so that they can be cached. The log has a line per question: `udp|tcp NAME TYPE`.
"""

import argparse
import ipaddress
import os
import socket
import socketserver
import struct
import sys
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}
NAMES = {number: name for name, number in TYPES.items()}
CODES = {"SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
TTL = 60


class Table:
    """The lines of the table by name; re-read when the file changes."""

    def __init__(self, path):
        self.path = path
        self.stamp = None
        self.lines = {}
        self.lock = threading.Lock()

    def of(self, name):
        """The lines of a name, as (type, data); None if it does not exist."""
        with self.lock:
            self.refresh()
            if name in self.lines:
                return self.lines[name]
            labels = name.split(".")
            for cut in range(1, len(labels)):
                wild = "*." + ".".join(labels[cut:])
                if wild in self.lines:
                    return self.lines[wild]
            # A name above another one exists without data.
            under = "." + name
            return [] if any(other.endswith(under) for other in self.lines) else None

    def refresh(self):
        stat = os.stat(self.path)
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if stamp == self.stamp:
            return
        lines = {}
        with open(self.path, encoding="ascii") as file:
            for text in file:
                words = text.split("#", 1)[0].split(None, 2)
                if len(words) >= 2:
                    data = words[2].strip() if len(words) > 2 else ""
                    lines.setdefault(words[0].lower().rstrip("."), []).append((words[1].upper(), data))
        self.lines, self.stamp = lines, stamp


def encode_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            octets = label.encode("ascii")
            out += bytes([len(octets)]) + octets
    return out + b"\0"


def read_question(packet):
    """Name in lower case, type number, and the octets of the question as asked."""
    at, labels = 12, []
    while packet[at]:
        length = packet[at]
        labels.append(packet[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    kind = struct.unpack("!H", packet[at + 1 : at + 3])[0]
    return ".".join(labels).lower(), kind, packet[12 : at + 5]


def encode_data(kind, data):
    if kind == "A":
        return ipaddress.IPv4Address(data).packed
    if kind == "AAAA":
        return ipaddress.IPv6Address(data).packed
    if kind == "MX":
        preference, host = data.split()
        return struct.pack("!H", int(preference)) + encode_name(host)
    if kind in ("CNAME", "NS", "PTR"):
        return encode_name(data)
    if kind == "TLSA":
        usage, selector, matching, rest = data.split()
        return bytes([int(usage), int(selector), int(matching)]) + bytes.fromhex(rest)
    return bytes([len(data)]) + data.encode("ascii")


def record(name, kind, data):
    return encode_name(name) + struct.pack("!HHIH", TYPES[kind], 1, TTL, len(data)) + data


def soa(name):
    zone = name.split(".")[-1]
    data = encode_name("ns.invalid") + encode_name("root.invalid") + struct.pack("!IIIII", 1, 60, 60, 60, TTL)
    return record(zone, "SOA", data)


def answers(table, name, kind):
    """Records for the answer section, following aliases, and the answer code."""
    found = []
    for _ in range(8):
        lines = table.of(name)
        if lines is None:
            return found, CODES["NXDOMAIN"]
        alias = [data for line, data in lines if line == "CNAME"]
        if not alias or kind == "CNAME":
            found += [record(name, kind, encode_data(kind, data)) for line, data in lines if line == kind]
            return found, 0
        found.append(record(name, "CNAME", encode_name(alias[0])))
        name = alias[0].lower().rstrip(".")
    return found, 0


def respond(table, log, transport, packet):
    """The answer to one packet, and how long to wait before it; None for silence."""
    name, number, question = read_question(packet)
    kind = NAMES.get(number, str(number))
    if log:
        log.write(f"{transport} {name} {kind}\n")
        log.flush()

    lines = table.of(name) or []
    orders = {line: data for line, data in lines if data.upper() in ("", kind) or line in ("DELAY", "REFER")}
    delay = int(orders.get("DELAY", "0")) / 1000
    if "DROP" in orders:
        return None

    flags, found, authority = 0x8580, [], []
    if "REFER" in orders:
        flags, authority = 0x8180, [record(name, "NS", encode_name(orders["REFER"]))]
    elif "TRUNCATE" in orders and transport == "udp":
        flags |= 0x0200
    else:
        code = next((CODES[order] for order in orders if order in CODES), None)
        if code is None and kind in TYPES:
            found, code = answers(table, name, kind)
        flags |= code or 0
        if not found and (code or 0) in (0, CODES["NXDOMAIN"]):
            authority = [soa(name)]
    head = packet[:2] + struct.pack("!HHHHH", flags, 1, len(found), len(authority), 0)
    return head + question + b"".join(found) + b"".join(authority), delay


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        packet, sock = self.request
        response = respond(self.server.table, self.server.log, "udp", packet)
        if response:
            time.sleep(response[1])
            sock.sendto(response[0], self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                return
            packet = self.rfile.read(struct.unpack("!H", head)[0])
            response = respond(self.server.table, self.server.log, "tcp", packet)
            if response:
                time.sleep(response[1])
                self.wfile.write(struct.pack("!H", len(response[0])) + response[0])


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def bind(address, port):
    """Both servers on one port; a port that only one of them gets is given back."""
    for _ in range(50):
        udp = UdpServer((address, port), Udp)
        udp.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        try:
            return udp, TcpServer(udp.server_address, Tcp)
        except OSError:
            udp.server_close()
            if port:
                raise
    raise SystemExit("fakedns: no port is free for both UDP and TCP")


def main():
    parser = argparse.ArgumentParser(description="A name server for tests; see the head of this file.")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log")
    parser.add_argument("table")
    args = parser.parse_args()

    table = Table(args.table)
    table.refresh()
    log = open(args.log, "a", encoding="ascii") if args.log else None
    servers = bind(args.address, args.port)
    for server in servers:
        server.table, server.log = table, log
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(*servers[0].server_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
