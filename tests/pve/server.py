# SPDX-License-Identifier: Apache-2.0
"""FakePve: a fake Proxmox VE node (and the cluster behind it) on a local port.

	with FakePve(version=9) as pve:
		secret = pve.add_token("agent@pve", "vm101")     # "agent@pve!vm101=UUID"
		pve.add_vm(101, name="node-1", pool="k8s")
		... pve.url, pve.ca, pve.fingerprint ...
		pve.faults.answer(596, path="/config$")          # the next such request
		pve.journal.find("PUT")                          # what came
"""
import socket
import tempfile
import threading
import time
from pathlib import Path

from . import drives, rights
from .app import App
from .certificates import Certificates
from .cluster import Cluster
from .connection import Connection
from .directory import Pool, new_user
from .faults import Faults
from .hypervisor import Hypervisor
from .journal import Journal
from .tasks import Tasks
from .volumes import WITH_PATH, Volumes, parse_size, probe

NAMES = ("127.0.0.1", "::1", "10.0.2.2", "localhost", "pve.test")


class FakePve(App):
    """Knobs are attributes: auth_delay (seconds before a 401; 3 is real), idle (5), latency, release ("8.2.4"; before 8.4 errors
    have no message in their body), statistics_delay (0; 10 is real), cluster, faults, journal, tasks.
    """

    def __init__(self, version=9, state=None, directory=None, address=("127.0.0.1", 0), node="pve1", nodes=(), names=(),
                 auth_delay=3.0, idle=5.0, release=None, certificates=None, hypervisor=None):
        self.version, self.release = version, release
        self.auth_delay, self.idle, self.latency, self.statistics_delay = auth_delay, idle, 0.0, 0.0
        self.keep_alive, self.worker_requests, self.requests = 100, 1000, 0
        self.cluster = Cluster(version, node, nodes)
        self.cluster.load(state or {})
        self.faults, self.journal, self.tasks = Faults(), Journal(), Tasks(self.cluster)
        self.requests_uploading = 0
        self.temporary = None if directory else tempfile.TemporaryDirectory(prefix="fake-pve-", ignore_cleanup_errors=True)
        self.directory = Path(directory or self.temporary.name)
        self.volumes = Volumes(self.cluster, self.directory)
        self.certificates = Certificates(certificates or self.directory, version, [*NAMES, *names, self.cluster.node])
        self.context = self.certificates.context()
        self.address, self.listener = tuple(address), None
        self.connections, self.connections_lock = set(), threading.Lock()
        self.hypervisor = hypervisor or Hypervisor()

    # Where it is.

    @property
    def port(self):
        return self.address[1]

    @property
    def url(self):
        return f"https://{'127.0.0.1' if self.address[0] == '0.0.0.0' else self.address[0]}:{self.port}"

    @property
    def ca(self):
        return self.certificates.ca

    @property
    def fingerprint(self):
        return self.certificates.fingerprint()

    def renew_certificate(self):
        """The leaf changes, the CA stays. Connections that are open keep the old one."""
        self.certificates.renew()
        self.context = self.certificates.context()

    # Up and down.

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()
        self.tasks.stop_all()
        if self.temporary:
            self.temporary.cleanup()

    def up(self):
        """Listens; after down() on the same port again."""
        listener = socket.create_server(self.address, backlog=64)
        self.address = listener.getsockname()[:2]
        self.listener = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True, name="accept").start()

    def down(self):
        """Refuses connections, and cuts those that are open."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut_connections()

    def cut_connections(self):
        with self.connections_lock:
            open_ones = list(self.connections)
        for connection in open_ones:
            connection.abrupt = True
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True, name="connection").start()

    def serve(self, sock):
        connection = Connection(self, sock)
        with self.connections_lock:
            self.connections.add(connection)
        try:
            connection.run()
        finally:
            with self.connections_lock:
                self.connections.discard(connection)

    # Making the world. Names follow PVE's.

    def add_user(self, userid, password=None, groups=(), **more):
        directory = self.cluster.directory
        directory.users.setdefault(userid, new_user(password=password, **more))
        for group in groups:
            directory.groups.setdefault(group, set()).add(userid)

    def add_token(self, userid, token, privsep=1, expire=0, value=None):
        """Returns what goes behind PVEAPIToken=."""
        self.add_user(userid)
        value = self.cluster.directory.add_token(userid, token, privsep, expire, value=value)
        return f"{userid}!{token}={value}"

    def add_role(self, role, privileges):
        self.cluster.acl.roles[role] = set(privileges.split())

    def grant(self, path, role, who, propagate=1):
        """who: a user, a token ("u@pve!t") or a group ("@group")."""
        kind = "groups" if who.startswith("@") else "tokens" if "!" in who else "users"
        self.cluster.acl.grant(path, role, kind, who.removeprefix("@"), propagate)

    def add_pool(self, name, storages=()):
        self.cluster.directory.pools[name] = Pool(storages=set(storages))

    def add_storage(self, name, content="iso,vztmpl,backup", kind="dir", total=100 << 30, **more):
        self.cluster.storages[name] = {"type": kind, "content": content, "total": total, **more}

    def add_vm(self, vmid, node=None, pool=None, status="running", kind="qemu", **options):
        """Options as in the configuration, with _ for - in their names."""
        options = {name.replace("_", "-"): str(value) for name, value in options.items()}
        guest = self.cluster.add_guest(vmid, kind, node or self.cluster.node, options, status, pool)
        for name, fields in [*drives.drives_of(options), *((name, drives.parse(options[name])) for name in options if name == "rootfs")]:
            if fields["file"].split(":")[0] in self.cluster.storages and not rights.is_cloudinit(fields):
                self.volumes.add(fields["file"], guest.node, "images" if kind == "qemu" else "rootdir", "raw",
                                 parse_size(fields.get("size", "1G")), vmid=guest.vmid)
        return guest

    def add_ct(self, vmid, **more):
        return self.add_vm(vmid, kind="lxc", **more)

    def add_file(self, volid, path=None, node=None, size=1 << 20, **more):
        """Something is on a storage already: STORE:iso/F, STORE:vztmpl/F, STORE:import/F, STORE:snippets/F."""
        kind = volid.split(":")[1].split("/")[0]
        form = volid.rpartition(".")[2] if kind == "import" else "raw"
        size = probe(path, form, volid) if path else size
        return self.volumes.add(volid, node or self.cluster.node, kind, form, size, file=self.volumes.own_file(path), **more)

    def add_left_over(self, storage, vmid, suffix="cloudinit", node=None):
        """A volume of an earlier guest of this number, which the end of that guest did not remove."""
        form = "qcow2" if self.cluster.storages[storage]["type"] in WITH_PATH else "raw"
        volid = self.volumes.name(storage, vmid, form, suffix=suffix)
        return self.volumes.add(volid, node or self.cluster.node, "images", form, 4 << 20, vmid=vmid)

    # Power.

    def start_guest(self, guest):
        guest.status, guest.started = "running", time.time()
        self.hypervisor.start(self, guest)

    def stop_guest(self, guest):
        self.hypervisor.stop(self, guest)
        self.went_off(guest)

    def went_off(self, guest):
        with self.cluster.lock:
            guest.status, guest.started = "stopped", None
            guest.apply_pending()

    # Things that happen.

    def invalidate(self, token):
        """USER@REALM!ID is deleted by another user."""
        user, _, name = token.partition("=")[0].partition("!")
        with self.cluster.lock:
            self.cluster.directory.users[user]["tokens"].pop(name)

    def edit(self, vmid, delete=(), **options):
        """Another user changes a guest's configuration."""
        with self.cluster.lock:
            self.cluster.guests[int(vmid)].update({name.replace("_", "-"): str(value) for name, value in options.items()}, delete)

    def edit_after(self, vmid, method="GET", path=None, times=1, **options):
        """... right after the next request of that kind was done, before its answer is sent."""
        return self.faults.add("run", method=method, path=path or f"/{vmid}/config$", times=times, after=True,
                               function=lambda _: self.edit(vmid, **{name: value() if callable(value) else value
                                                                     for name, value in options.items()}))

    def migrate(self, vmid, node):
        with self.cluster.lock:
            self.cluster.guests[int(vmid)].node = self.cluster.need_node(node)

    def config(self, vmid):
        with self.cluster.lock:
            return dict(self.cluster.guests[int(vmid)].options)

    def snapshot(self):
        with self.cluster.lock:
            return self.cluster.dump()

    def wait(self, condition, timeout=10):
        """Until condition() under the cluster's lock."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            with self.cluster.lock:
                if condition():
                    return
            time.sleep(0.02)
        raise TimeoutError(f"not so after {timeout} s")
