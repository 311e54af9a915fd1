# SPDX-License-Identifier: Apache-2.0
"""Servers with good and bad certificates, and which agents must trust them: the one on OpenSSL, and the one on Mbed TLS."""
import contextlib
import hashlib
import ssl
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

SERVER = "extendedKeyUsage=serverAuth"
ADDRESS = f"subjectAltName=IP:127.0.0.1\n{SERVER}"
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
UNKNOWN = "1.3.6.1.4.1.55555.1=critical,ASN1:UTF8String:x"
DAY = 86400
HOSTS = ("a.example.test", "a.b.example.test", "a.test")  # what the loopback address is called
# One is stricter than the other where Mbed TLS cannot check what OpenSSL can: it must refuse then.
BOTH, NEITHER, OPENSSL = (True, True), (False, False), (True, False)


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(map(str, arguments))}: {done.stderr}")


def stamp(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * DAY))


class Authority:
    """Certificates in a directory, each made once."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)

    def key(self, kind):
        file = self.directory / f"{kind.replace(':', '-')}.key"
        options = {"rsa": ("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{kind[4:]}"), "ed2": ("-algorithm", "ed25519"),
                   "ec:": ("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind[3:]}")}[kind[:3]]
        if not file.exists():
            openssl("genpkey", *options, "-out", file)
        return file

    def issue(self, name, extensions, issuer=None, kind="rsa:2048", md="sha256", days=(-1, 30), subject=None):
        """A certificate NAME.crt with its key's kind, signed by issuer's key, or its own."""
        d, file, key = self.directory, self.directory / f"{name}.crt", self.key(kind)
        config = d / f"{name}.cnf"
        config.write_text(f"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN={subject or name}\n[ca]\ndefault_ca=own\n[own]\n"
                          f"database={d}/{name}.index\nnew_certs_dir={d}\nrand_serial=yes\npolicy=any\nunique_subject=no\n"
                          f"x509_extensions=v3\n[any]\ncommonName=supplied\n[v3]\n{extensions}\n")
        (d / f"{name}.index").write_text("")
        openssl("req", "-new", "-config", config, "-key", key, "-out", d / f"{name}.csr")
        signer = ("-selfsign", "-keyfile", key) if issuer is None else ("-cert", d / f"{issuer[0]}.crt", "-keyfile", self.key(issuer[1]))
        openssl("ca", "-batch", "-notext", "-config", config, "-in", d / f"{name}.csr", "-out", file, "-startdate", stamp(days[0]),
                "-enddate", stamp(days[1]), *(() if kind == "ed25519" and issuer is None else ("-md", md)), *signer)
        return name, kind

    def pem(self, *names):
        return "".join((self.directory / f"{name}.crt").read_text() for name in names)

    def fingerprint(self, name):
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.pem(name))).hexdigest()


@dataclass
class Case:
    name: str
    trusted: tuple  # (by OpenSSL, by Mbed TLS)
    chain: list  # of (name, kind), the leaf first
    ca: list = field(default_factory=lambda: ["root"])
    pins: list = field(default_factory=list)
    host: str = "127.0.0.1"
    versions: tuple = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    client: tuple = ()  # (name, kind) of the client's certificate, which the server then wants
    orders: bool = True  # the server prefers its own ciphers and signatures
    asks: bool = False  # the server wants one whatever the client has
    untrusted: bool = True  # how it fails: because of the certificate


def leaf_cases(a, root):
    leaf = lambda name, **more: [a.issue(name, more.pop("extensions", ADDRESS), **{"issuer": root, **more})]
    good = leaf("good")
    yield Case("a certificate of the CA", BOTH, good)
    yield Case("TLS 1.2", BOTH, good, versions=(ssl.TLSVersion.TLSv1_2,) * 2)
    yield Case("TLS 1.3", BOTH, good, versions=(ssl.TLSVersion.TLSv1_3,) * 2)
    yield Case("TLS 1.2, and the client's order of signatures", BOTH, good, versions=(ssl.TLSVersion.TLSv1_2,) * 2, orders=False)
    yield Case("TLS 1.1", NEITHER, good, versions=(ssl.TLSVersion.TLSv1_1,) * 2, untrusted=False)
    yield Case("one of several CAs", BOTH, good, ca=["other", "root"])
    yield Case("a CA of an unknown kind next to the right one", BOTH, good, ca=["edroot", "root"])
    yield Case("another CA", NEITHER, good, ca=["other"])
    yield Case("another CA of the same name", NEITHER, good, ca=["twin"])
    of_system = a.issue("of-system", ADDRESS, issuer=a.issue("system", CA))
    yield Case("one of the system's CAs", BOTH, [of_system], ca=[])
    yield Case("one of the system's CAs, and another CA", NEITHER, [of_system], ca=["other"])
    yield Case("no CA", NEITHER, good, ca=[])
    yield Case("ECDSA, P-256", BOTH, leaf("p256", kind="ec:P-256"))
    yield Case("ECDSA, P-384, and SHA-384", BOTH, leaf("p384", kind="ec:P-384", md="sha384"))
    yield Case("Ed25519", OPENSSL, leaf("ed", kind="ed25519"), untrusted=False)
    yield Case("an expired one", NEITHER, leaf("expired", days=(-9, -1)))
    yield Case("one that is not valid yet", NEITHER, leaf("future", days=(1, 9)))
    yield Case("a signature with SHA-1", NEITHER, leaf("sha1", md="sha1"))
    yield Case("an RSA key of 1024 bits", NEITHER, leaf("rsa1024", kind="rsa:1024"))
    yield Case("one for clients", NEITHER, leaf("clientonly", extensions="subjectAltName=IP:127.0.0.1\nextendedKeyUsage=clientAuth"))
    yield Case("an unknown critical extension", NEITHER, leaf("unknown", extensions=f"{ADDRESS}\n{UNKNOWN}"))
    yield Case("itself, as the CA", BOTH, [a.issue("own", f"{ADDRESS}\nbasicConstraints=critical,CA:TRUE")], ca=["own"])


def host_cases(a, root):
    names = lambda name, san, **more: [a.issue(name, f"subjectAltName={san}\n{SERVER}", issuer=root, **more)]
    yield Case("another address", NEITHER, names("address", "IP:127.0.0.2"))
    yield Case("its address as a name", NEITHER, names("astext", "DNS:127.0.0.1"))
    yield Case("its address as a wildcard", NEITHER, names("aswild", "DNS:*.0.0.1"))
    named = names("named", "DNS:a.example.test")
    yield Case("its name", BOTH, named, host="a.example.test")
    yield Case("its name, but asked by address", NEITHER, named)
    yield Case("another name", NEITHER, named, host="a.b.example.test")
    wild = names("wild", "DNS:*.example.test")
    yield Case("a wildcard", BOTH, wild, host="a.example.test")
    yield Case("a wildcard for one label only", NEITHER, wild, host="a.b.example.test")
    yield Case("a wildcard of a whole top domain", NEITHER, names("top", "DNS:*.test"), host="a.test")
    subject = lambda name, cn: [a.issue(name, SERVER, issuer=root, subject=cn)]
    yield Case("its name as the subject", BOTH, subject("cn", "a.example.test"), host="a.example.test")
    yield Case("a wildcard of a whole top domain as the subject", NEITHER, subject("cntop", "*.test"), host="a.test")
    yield Case("its name as the subject, and another alternative name", NEITHER,
               names("both", "DNS:a.b.example.test", subject="a.example.test"), host="a.example.test")


def chain_cases(a, root):
    def below(name, extensions, leaf=ADDRESS, **more):
        middle = a.issue(f"{name}-ca", extensions, **{"issuer": root, **more})
        return [a.issue(f"{name}-leaf", leaf, issuer=middle), middle]

    yield Case("an intermediate CA", BOTH, below("middle", CA))
    yield Case("an intermediate CA that is not sent", NEITHER, below("unsent", CA)[:1])
    yield Case("an intermediate that is no CA", NEITHER, below("noca", "basicConstraints=critical,CA:FALSE"))
    yield Case("an intermediate that may not sign", NEITHER, below("nosign", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign"))
    yield Case("an intermediate CA for clients", NEITHER, below("clients", f"{CA}\nextendedKeyUsage=clientAuth"))
    yield Case("an expired intermediate CA", NEITHER, below("old", CA, days=(-9, -1)))
    yield Case("an intermediate CA with a signature with SHA-1", NEITHER, below("sha1", CA, md="sha1"))
    yield Case("an intermediate CA with an RSA key of 1024 bits", NEITHER, below("short", CA, kind="rsa:1024"))
    yield Case("an intermediate CA with an unknown critical extension", NEITHER, below("odd", f"{CA}\n{UNKNOWN}"))
    first = a.issue("path-first", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign", issuer=root)
    second = a.issue("path-second", CA, issuer=first)
    yield Case("a path that is too long", NEITHER, [a.issue("path-leaf", ADDRESS, issuer=second), second, first])
    for critical in ("critical,", ""):
        word = "critical" if critical else "other"
        for kind, network, trusted in (("kept", "127.0.0.0/255.0.0.0", OPENSSL), ("broken", "10.0.0.0/255.0.0.0", NEITHER)):
            yield Case(f"{word} name constraints, {kind}", trusted,
                       below(f"nc-{word}-{kind}", f"{CA}\nnameConstraints={critical}permitted;IP:{network}"))


def root_cases(a):
    def of_root(name, **more):
        made = a.issue(name, more.pop("extensions", CA), **more)
        return {"chain": [a.issue(f"{name}-leaf", ADDRESS, issuer=made)], "ca": [name]}

    yield Case("an expired root", NEITHER, **of_root("root-old", days=(-9, -1)))
    yield Case("a root with an RSA key of 1024 bits", NEITHER, **of_root("root-short", kind="rsa:1024"))
    yield Case("a root with its own signature with SHA-1", BOTH, **of_root("root-sha1", md="sha1"))
    yield Case("a root with critical name constraints, broken", NEITHER,
               **of_root("root-nc", extensions=f"{CA}\nnameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0"))
    yield Case("a root with other name constraints, broken", NEITHER,
               **of_root("root-nc2", extensions=f"{CA}\nnameConstraints=permitted;IP:10.0.0.0/255.0.0.0"))
    yield Case("a root of Ed25519", OPENSSL, **of_root("root-ed", kind="ed25519"))


def pin_cases(a, root):
    wrong = "ab" * 32
    named = lambda *names: [a.fingerprint(name) for name in names]
    for name, kind, why in (("good", "rsa:2048", "good"), ("expired", "rsa:2048", "expired"), ("address", "rsa:2048", "for another host"),
                            ("sha1", "rsa:2048", "signed with SHA-1"), ("own", "rsa:2048", "self-signed"), ("p256", "ec:P-256", "of ECDSA")):
        yield Case(f"a listed certificate, {why}", BOTH, [(name, kind)], ca=[], pins=[wrong, *named(name)])
        yield Case(f"a listed certificate, {why}, and another CA", BOTH, [(name, kind)], ca=["other"], pins=named(name))
    yield Case("a listed certificate with an expired issuer", BOTH, [("old-leaf", "rsa:2048"), ("old-ca", "rsa:2048")], pins=named("old-leaf"))
    yield Case("a listed issuer", NEITHER, [("middle-leaf", "rsa:2048"), ("middle-ca", "rsa:2048")], ca=[], pins=named("middle-ca"))
    unfit = a.issue("unfit", f"{ADDRESS}\nkeyUsage=critical,keyCertSign")
    yield Case("a listed certificate that may not sign", OPENSSL, [unfit], pins=named("unfit"))
    yield Case("a listed certificate with an unknown critical extension", OPENSSL, [("unknown", "rsa:2048")], pins=named("unknown"))
    yield Case("no listed certificate", NEITHER, [("good", "rsa:2048")], ca=[], pins=[wrong])
    yield Case("no listed certificate, but one of the CA", BOTH, [("good", "rsa:2048")], pins=[wrong])
    yield Case("no listed certificate, and one of the CA for another host", NEITHER, [("address", "rsa:2048")], pins=[wrong])
    yield Case("no listed certificate, and an expired one of the CA", NEITHER, [("expired", "rsa:2048")], pins=[wrong])


def client_cases(a, root):
    good = [("good", "rsa:2048")]
    for kind in ("rsa:2048", "ec:P-256"):
        client = a.issue(f"client-{kind[:2]}", "extendedKeyUsage=clientAuth", issuer=root, kind=kind)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            yield Case(f"a client's certificate, {kind}, {version.name}", BOTH, good, client=client, versions=(version,) * 2)
    yield Case("no client's certificate where one is wanted", NEITHER, good, asks=True, untrusted=False)


def make_cases(directory):
    """The authority and its cases."""
    a = Authority(directory)
    root = a.issue("root", CA)
    a.issue("other", CA, kind="ec:P-256")
    a.issue("twin", CA, kind="ec:P-384", subject="root")
    a.issue("edroot", CA, kind="ed25519")
    return a, [*leaf_cases(a, root), *host_cases(a, root), *chain_cases(a, root), *root_cases(a), *pin_cases(a, root), *client_cases(a, root)]


@contextlib.contextmanager
def serve(a, case):
    """The case's server on loopback; the port. It answers each connection once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # whatever is weak is the client's to refuse
    context.minimum_version, context.maximum_version = case.versions
    if not case.orders:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    chain = a.directory / "served.pem"
    chain.write_text(a.pem(*(name for name, _ in case.chain)))
    context.load_cert_chain(chain, a.key(case.chain[0][1]))
    if case.client or case.asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(a.directory / "root.crt")
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), plain:
                plain.settimeout(10)
                with context.wrap_socket(plain, server_side=True) as tls:
                    tls.recv(4096)
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def problems(run, a, case, which):
    """run(arguments) runs tests/agent/trust.c and returns its line. which: 0 is OpenSSL, 1 Mbed TLS."""
    ca = a.directory / "ca.pem"
    ca.write_text(a.pem(*case.ca))
    client = (a.directory / f"{case.client[0]}.crt", a.key(case.client[1])) if case.client else ("-", "-")
    with serve(a, case) as port:
        said = run(f"https://{case.host}:{port}/", ca if case.ca else "-", ",".join(case.pins) or "-", *client)
    wanted = "ok 200" if case.trusted[which] else "untrusted" if case.untrusted else ""
    if case.trusted[which] != said.startswith("ok ") or not said.startswith(wanted):
        yield f"{case.name}: want {wanted or 'a failure'}, got: {said}"
