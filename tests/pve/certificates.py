# SPDX-License-Identifier: Apache-2.0
"""Certificates as a PVE node has them: an own CA, and a leaf that lasts two years at most and is dated back by a day."""
import hashlib
import ipaddress
import ssl
import subprocess
import time
import uuid
from pathlib import Path

CA_EXTENSIONS = {8: "basicConstraints=critical,CA:TRUE",
                 9: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"}


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def subject_names(names):
    kinds = []
    for name in names:
        try:
            ipaddress.ip_address(name)
            kinds.append(f"IP:{name}")
        except ValueError:
            kinds.append(f"DNS:{name}")
    return ",".join(kinds)


class Certificates:
    """ca.pem, leaf.pem and leaf.key in a directory; what is there already is used. (The real CA's key has 4096 bits: slow to make.)"""

    def __init__(self, directory, version, names, bits=2048, days=730):
        self.directory, self.names, self.bits, self.days = Path(directory), names, bits, days
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.ca, self.leaf, self.key = (self.directory / name for name in ("ca.pem", "leaf.pem", "leaf.key"))
        if not self.ca.exists():
            self.make_ca(version)
        if not self.leaf.exists():
            self.renew()

    def configuration(self, text):
        file = self.directory / "openssl.cnf"
        file.write_text(f"[req]\ndistinguished_name=dn\nprompt=no\n{text}")
        return file

    def make_ca(self, version):
        dn = f"[dn]\nCN=Proxmox Virtual Environment\nOU={uuid.uuid4()}\nO=PVE Cluster Manager CA\n"
        file = self.configuration(f"x509_extensions=v3\n{dn}[v3]\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always,issuer\n"
                                  f"{CA_EXTENSIONS[version]}\n")
        openssl("req", "-new", "-x509", "-newkey", f"rsa:{self.bits}", "-nodes", "-days", 3650, "-sha256", "-config", file,
                "-keyout", self.directory / "ca.key", "-out", self.ca)

    def renew(self):
        """A new leaf of the same CA, as pveproxy's certificate is renewed two weeks before its end."""
        names = f"[dn]\nOU=PVE Cluster Node\nO=Proxmox Virtual Environment\nCN={self.names[-1]}\n"
        file = self.configuration(
            f"{names}[ca]\ndefault_ca=own\n[own]\ndatabase=$dir/index\nnew_certs_dir=$dir\ncertificate={self.ca}\n"
            f"private_key={self.directory}/ca.key\nrand_serial=yes\ndefault_md=sha256\npolicy=any\nunique_subject=no\n"
            f"x509_extensions=v3\n[any]\nOU=optional\nO=optional\nCN=supplied\n[v3]\nbasicConstraints=CA:FALSE\n"
            f"extendedKeyUsage=serverAuth\nsubjectAltName={subject_names(self.names)}\n".replace("$dir", str(self.directory)))
        (self.directory / "index").write_text("")
        request = self.directory / "leaf.csr"
        openssl("req", "-new", "-newkey", f"rsa:{self.bits}", "-nodes", "-config", file, "-keyout", self.key, "-out", request)
        yesterday = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - 86400))
        openssl("ca", "-batch", "-notext", "-config", file, "-in", request, "-out", self.leaf, "-startdate", yesterday, "-days", self.days)

    def fingerprint(self):
        der = ssl.PEM_cert_to_DER_cert(self.leaf.read_text())
        digest = hashlib.sha256(der).hexdigest().upper()
        return ":".join(digest[i:i + 2] for i in range(0, len(digest), 2))

    def context(self):
        """Only the leaf is sent, never the chain."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.leaf, self.key)
        return context
