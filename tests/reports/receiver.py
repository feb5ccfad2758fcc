"""The SMTP server of the tests: aiosmtpd, told by a file what to answer; every mail is kept as it came and taken apart by Python's own
reader of mail.

usage: receiver.py FOLDER {none|starttls|tls} [USER PASSWORD]
"""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder = pathlib.Path(sys.argv[1])
tls = sys.argv[2]
login = tuple(word.encode() for word in sys.argv[3:5])


def told(name):
    """The next line of a file of answers; none where there is none left."""
    path = folder / name
    lines = path.read_text().splitlines() if path.exists() else []
    if lines:
        path.write_text("\n".join(lines[1:]))
        return lines[0]
    return None


def taken_apart(envelope):
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    tables = [
        {"name": part.get_filename(), "type": part.get_content_type(), "charset": part.get_content_charset(),
         "bytes": list(part.get_payload(decode=True))}
        for part in message.iter_attachments()
    ]
    return {
        "sender": envelope.mail_from,
        "recipients": envelope.rcpt_tos,
        "headers": [[name, str(value)] for name, value in message.items()],
        "defects": [str(defect) for part in message.walk() for defect in part.defects],
        "text": text.get_content(),
        "html": html.get_content(),
        "attachments": tables,
    }


class Receiver:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = told(f"rcpt-{address}")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        parts = taken_apart(envelope)
        parts["encrypted"] = server.transport.get_extra_info("cipher") is not None
        unfinished = folder / f"{self.count:04}.unfinished"
        (folder / f"{self.count:04}.eml").write_bytes(envelope.content)
        unfinished.write_text(json.dumps(parts))
        unfinished.rename(folder / f"{self.count:04}.json")
        # Taken, and not said so for a while: whoever asked may be gone by then.
        await asyncio.sleep(float(told("hold") or 0))
        return told("data") or "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    # Not handled: the answer is the server's to give.
    return AuthResult(success=(data.login, data.password) == login, handled=False)


def context():
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(folder / "server.crt", folder / "server.key")
    return made


class OnAnyPort(Controller):
    def _trigger_server(self):
        # The first connection is made by the controller itself, to see whether the server answers.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


settings = {"authenticator": authenticate, "auth_required": True} if login else {}
if tls == "starttls":
    settings |= {"tls_context": context(), "require_starttls": True}
elif login:
    settings |= {"auth_require_tls": False}
controller = OnAnyPort(
    Receiver(),
    hostname="127.0.0.1",
    port=0,
    ready_timeout=30,
    ssl_context=context() if tls == "tls" else None,
    **settings,
)
controller.start()
(folder / "port.unfinished").write_text(str(controller.port))
(folder / "port.unfinished").rename(folder / "port")
sys.stdin.read()
controller.stop()
