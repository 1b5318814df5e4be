"""A client that authenticates by SCRAM-SHA-256 or, over TLS, SCRAM-SHA-256-PLUS, bound to the server's certificate.

usage: scram.py PORT MECHANISM USER PASSWORD [FLAG]

FLAG stands in place of the channel binding flag: "y" is a client from which -PLUS was hidden. With PLUS, or with FLAG, the
connection is TLS from its beginning. Prints the server's last reply, after it has checked the server's signature.
"""

import base64
import hashlib
import hmac
import os
import socket
import ssl
import sys


def digest(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def reply(stream):
    while True:
        line = stream.readline().decode().rstrip("\r\n")
        if line[3:4] != "-":
            return line


def main():
    port, mechanism, user, password = sys.argv[1:5]
    flag = sys.argv[5] if len(sys.argv) > 5 else None
    connection = socket.create_connection(("127.0.0.1", int(port)), timeout=20)
    binding = b""
    if flag or mechanism.endswith("-PLUS"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = context.wrap_socket(connection)
    if flag is None and mechanism.endswith("-PLUS"):
        flag = "p=tls-server-end-point"
        binding = hashlib.sha256(connection.getpeercert(binary_form=True)).digest()
    header = f"{flag or 'n'},,".encode()
    stream = connection.makefile("rwb")

    def say(line):
        stream.write(line.encode() + b"\r\n")
        stream.flush()
        return reply(stream)

    def exchange(text):
        told = say(base64.b64encode(text).decode())
        if not told.startswith("334 "):
            print(told)
            sys.exit()
        return base64.b64decode(told[4:])

    reply(stream)
    say("EHLO client.example")
    told = say(f"AUTH {mechanism}")
    if not told.startswith("334"):
        print(told)
        return
    bare = f"n={user},r={base64.b64encode(os.urandom(12)).decode()}".encode()
    first = exchange(header + bare)
    fields = dict(field.split(b"=", 1) for field in first.split(b","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"]))
    key = digest(salted, b"Client Key")
    without = b"c=" + base64.b64encode(header + binding) + b",r=" + fields[b"r"]
    message = bare + b"," + first + b"," + without
    signature = digest(hashlib.sha256(key).digest(), message)
    proof = bytes(a ^ b for a, b in zip(key, signature))
    last = exchange(without + b",p=" + base64.b64encode(proof))
    expected = b"v=" + base64.b64encode(digest(digest(salted, b"Server Key"), message))
    print(say("") if last == expected else "the server does not know the password")


main()
