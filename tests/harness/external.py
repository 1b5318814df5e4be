"""A client that authenticates by its certificate.

usage: external.py PORT CERTIFICATE KEY [IDENTITY]; without a certificate, "-". Prints the reply to AUTH EXTERNAL.
"""

import smtplib
import ssl
import sys

port, certificate, key = sys.argv[1:4]
identity = sys.argv[4] if len(sys.argv) > 4 else ""
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if certificate != "-":
    context.load_cert_chain(certificate, key)
with smtplib.SMTP_SSL("127.0.0.1", int(port), context=context, timeout=20) as client:
    client.ehlo()
    try:
        code, text = client.auth("EXTERNAL", lambda challenge=None: identity)
    except smtplib.SMTPAuthenticationError as error:
        code, text = error.smtp_code, error.smtp_error
    print(code, text.decode())
