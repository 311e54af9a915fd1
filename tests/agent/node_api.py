#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""node_api.py PKI: an API server that knows Nodes, for unit tests. It asks for a client certificate of PKI's CA, prints its port,
and ends with its stdin's end or after a minute. GET /api/v1/nodes/NAME answers by NAME; a watch sends one change and
continues without an end; of two objects that are made the second is there already."""
import http.server
import json
import socketserver
import ssl
import sys
import threading


def node(status, reason):
    conditions = [{"type": "DiskPressure", "status": "False"},
                  {"type": "Ready", "status": status, "reason": reason, "message": "in kubelet's words"}]
    return 200, {"kind": "Node", "metadata": {"uid": "u-1"}, "spec": {"podCIDR": "10.244.1.0/24"},
                 "status": {"conditions": conditions}}


def failure(code, message):
    return code, {"kind": "Status", "status": "Failure", "message": message, "code": code}


ANSWERS = {
    "ready": node("True", "KubeletReady"),
    "unready": node("False", "KubeletNotReady"),
    "silent": node("Unknown", "NodeStatusUnknown"),
    "young": (200, {"kind": "Node", "metadata": {"uid": "u-2"}}),
    "missing": failure(404, 'nodes "missing" not found'),
    "denied": failure(403, 'nodes "denied" is forbidden'),
    "busy": failure(503, "apiserver is shutting down"),
    "list": (200, {"kind": "NodeList"}),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        group = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}[said["kind"]]
        right = self.path == f"/apis/{said['apiVersion']}/{group}" and said["metadata"]["name"] == "nodekiln:pod-routes"
        self.send_response(409 if said["kind"] == "ClusterRoleBinding" else 201 if right else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def watch(self):
        if "resourceVersion=old" in self.path:
            self.send_response(410)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        change = b'{"type": "MODIFIED"}\n'
        self.wfile.write(b"%x\r\n%s\r\n" % (len(change), change))
        self.wfile.flush()
        self.rfile.read(1)

    def do_GET(self):
        if "?watch=1&timeoutSeconds=20" in self.path:
            self.watch()
            return
        prefix, name = self.path.rsplit("/", 1)
        code, body = ANSWERS[name] if prefix == "/api/v1/nodes" else failure(404, "no such path")
        if name == "ready":  # who asked
            subject = dict(pair[0] for pair in self.connection.getpeercert()["subject"])
            body = json.loads(json.dumps(body))
            body["metadata"]["uid"] = subject["commonName"]
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):  # HTTPServer's asks DNS for our name
        socketserver.TCPServer.server_bind(self)
        self.server_port = self.server_address[1]


def main(pki):
    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=f"{pki}/ca.crt")
    context.load_cert_chain(f"{pki}/server.crt", f"{pki}/server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 sets it; kubeadm 1.20's CAs lack what it asks for
    server.socket = context.wrap_socket(server.socket, server_side=True)
    timer = threading.Timer(60, server.shutdown)
    timer.daemon = True
    timer.start()
    print(server.server_port, flush=True)
    server.serve_forever()


main(sys.argv[1])
