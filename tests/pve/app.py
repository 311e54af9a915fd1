# SPDX-License-Identifier: Apache-2.0
"""From a request to its answer: who asks, which method, whether they may, whether the parameters are right, and the faults."""
import re
import time

from . import call as table
from . import calls, form, schema  # noqa: F401, calls fills the table
from .calls_cluster import refuse_token
from .calls_node import root_free
from .calls_storage import Upload
from .connection import Gone
from .directory import Stranger, identify
from .errors import ApiError, ServerError, bad_parameters
from .form import unescape
from .message import json_answer
from .multipart import Multipart

BASE = "/api2"
FORMATS = ("json",)
OPEN_TO_ALL = (("GET", "/access/domains"), ("GET", "/access/ticket"), ("POST", "/access/ticket"))
UPLOAD = re.compile("/nodes/([^/]+)/storage/([^/]+)/upload")
RELEASE = {8: "8.4.21", 9: "9.2.11"}  # what the fake is like, when nothing else is said
JSON_LINE = {8: 917, 9: 934}  # of AnyEvent.pm, as its messages say


class Login:
    def __init__(self, who=None, token=False, upload=False):
        self.who, self.token, self.upload = who, token, upload


class App:
    """What a connection asks; the rest of FakePve is the state."""

    def count_request(self):
        """Whether the worker continues: it is replaced after so many requests."""
        self.requests += 1
        return self.requests % self.worker_requests != 0

    def relative(self, request):
        """(path below the format, format)"""
        path = unescape(request.path)
        found = re.match(rf"{BASE}/+([a-z][a-z0-9]+)(/.*)?$", path, re.S)
        return (found[2] or "/", found[1]) if found else (path, None)

    def identify(self, request):
        """The login. Runs when the headers are there and the body is not."""
        uri, form_name = self.relative(request)
        if not unescape(request.path).startswith(BASE):
            return Login()
        if not form_name:
            raise ServerError(501, "no such uri")
        if (request.method, uri) in OPEN_TO_ALL:
            return Login()
        with self.cluster.lock:
            try:
                return self.authenticate(request, uri)
            except Stranger as text:
                raise ServerError(401, str(text), None, delay=True) from None
            except ApiError as error:
                raise ServerError(error.status, error.message, None, delay=True) from None

    def authenticate(self, request, uri):
        login = identify(self.cluster.directory, request)
        upload = UPLOAD.fullmatch(uri) if request.method == "POST" else None
        if upload:
            self.cluster.rules.check(table.perm(f"/storage/{upload[2]}", "Datastore.AllocateTemplate"), login.who, {})
        if request.method != "GET" and not login.token and not upload:
            self.cluster.directory.verify_csrf(login.who, request.header("CSRFPreventionToken"))
        return Login(login.who, login.token, bool(upload))

    def values(self, request):
        """Parameters of body and query; the query's win."""
        kind, _ = request.content_type()
        values = {}
        if request.method in ("POST", "PUT"):
            if kind == "application/json":
                values = form.decode_json(request.body, JSON_LINE[self.version])
            else:
                values = form.decode_form(request.body.decode("latin-1"))
        values.update(form.decode_form(request.query))
        values.pop("_dc", None)
        return values

    def upload(self, request, login, connection):
        """Reads the body as the real server does, and then continues as with any other request."""
        kind, boundary = request.content_type()
        if not boundary or kind != "multipart/form-data":
            connection.starve()  # it dies of that too
        self.requests_uploading += 1
        temporary = Upload(self.directory / "var-tmp", self.requests_uploading, root_free(self.cluster, self.cluster.node))
        values = form.decode_form(request.query)
        parser = Multipart(boundary, connection.body_length(request), temporary, self.version, values)
        try:
            connection.receive_into(parser)
        except Gone:
            temporary.remove()
            self.journal.note(request, login.who, values, 0)
            raise
        finally:
            temporary.close()
        return self.handle(request, login, values, temporary)

    def handle(self, request, login, values=None, upload=None):
        """The answer to a request whose body is there."""
        uri, form_name = self.relative(request)
        if form_name is None:
            raise ServerError(500, f"no such file '{uri}'\n")
        if form_name not in FORMATS:
            raise ServerError(501, f"no formatter for uri {uri}, {form_name}")
        values = self.values(request) if values is None else values
        faults = self.faults.take(request.method, uri)
        status = 0
        try:
            answer = self.answer(request, login, uri, values, faults, upload)
            status = answer.status
            return answer
        except ServerError as error:
            status = error.status
            raise
        finally:
            self.journal.note(request, login.who, values, status)

    def answer(self, request, login, uri, values, faults, upload=None):
        time.sleep(self.latency)
        before = [fault for fault in faults if not fault.after]
        ends = [fault for fault in before if fault.kind in ("answer", "cut")]
        for fault in before:
            time.sleep(fault.seconds)
            if fault.kind == "run":
                fault.function(request)
        done = not ends or any(fault.carry_out for fault in ends)
        answer = self.dispatch(request.method, uri, login, values, upload) if done else None
        for fault in (fault for fault in faults if fault.after):
            fault.function(request)
        for fault in ends:
            if fault.kind == "cut":
                raise Gone(abrupt=True)
            raise ServerError(fault.status, fault.reason, fault.body)
        return answer

    def dispatch(self, verb, uri, login, values, upload=None):
        started = time.monotonic()
        status, message, data, errors, call, proxied = 200, "", None, None, None, False
        with self.cluster.lock:
            try:
                method, own = table.find(verb, uri)
                if not method:
                    return json_answer(501, f"Method '{verb} {uri}' not implemented", None, early=self.early())
                call = table.Call(self, login.who, self.merge(own, values), upload)
                self.permit(method, uri, login, call)
                proxied = method.protected or ("node" in own and call.node() != self.cluster.node)
                call.values = schema.check(self.version, method.path, verb, call.values)
                if verb != "GET" and uri != "/access/ticket":
                    self.cluster.need_quorum()
                data = method.function(call)
            except ApiError as error:
                status, message, errors = error.status, error.message, error.errors
        answer = json_answer(status, message, data, errors, call.total if call else None, self.early())
        answer.proxied = proxied
        if status == 401:
            time.sleep(max(0, self.auth_delay - (time.monotonic() - started)))
        return answer

    def early(self):
        """8.0 to 8.3: no message in the body of an error."""
        return bool(self.release) and self.release.startswith("8.") and int(self.release.split(".")[1]) < 4

    @property
    def full_release(self):
        return self.release or RELEASE[self.version]

    @property
    def imports_images(self):
        """Since 8.4 more than .ova may be uploaded as `import`."""
        return not self.early()

    def merge(self, own, values):
        for name, value in values.items():
            if name in own and value is not None and str(value) != own[name]:
                raise bad_parameters({name: "duplicate parameter (already defined in URI) with conflicting values!"})
        return {**values, **own}

    def permit(self, method, uri, login, call):
        if login.token and not method.token:
            raise refuse_token(uri)
        self.cluster.rules.check(method.permissions, login.who, {name: value for name, value in call.values.items()
                                                                 if isinstance(value, (str, int))})
        if "node" in call.values and "{node}" in method.path:
            call.node()
