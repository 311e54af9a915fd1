/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm_cause.h"

#include <string.h>

#include "lib/macro.h"

struct subject_row {
	enum kubeadm_subject subject;
	const char *name; /* what the check's or the phase's name begins with; NULL: any */
	const char *text; /* NULL: any */
	bool is_phase;    /* name is a phase, and only a message of that kind is meant */
};

/* The first row that fits is used: first what a check's name says, then what wraps a cause, then phases. */
static const struct subject_row subject_rows[] = {
	{ KUBEADM_RUNTIME, "ImagePull", "could not connect to the container runtime", false },
	{ KUBEADM_RUNTIME, "ImagePull", "dial unix ", false },
	{ KUBEADM_RUNTIME, "ImagePull", "Cannot connect to the Docker daemon", false },
	{ KUBEADM_RUNTIME, "ImagePull", "docker daemon running?", false },
	{ KUBEADM_RUNTIME, "ImagePull", "unknown service runtime.", false },
	{ KUBEADM_RUNTIME, "ImagePull", "connect endpoint ", false },
	{ KUBEADM_RUNTIME, "ImagePull", "failed to connect: ", false },
	{ KUBEADM_REGISTRY, "ImagePull", NULL, false },
	{ KUBEADM_RUNTIME, "CRI", NULL, false },
	{ KUBEADM_RUNTIME, "ContainerRuntimeVersion", NULL, false },
	{ KUBEADM_RUNTIME, "Service-Docker", NULL, false },
	{ KUBEADM_ETCD, "ExternalEtcdVersion", NULL, false },

	{ KUBEADM_WEBHOOK, NULL, "calling webhook", false },
	{ KUBEADM_WEBHOOK, NULL, "admission webhook", false },
	{ KUBEADM_WEBHOOK, NULL, "conversion webhook", false },
	{ KUBEADM_WEBHOOK, NULL, " denied request: ", false },
	{ KUBEADM_RUNTIME, NULL, "container runtime is not running", false },
	{ KUBEADM_RUNTIME, NULL, "could not connect to the container runtime", false },
	{ KUBEADM_RUNTIME, NULL, "new CRI runtime service", false },
	{ KUBEADM_RUNTIME, NULL, "new CRI image service", false },
	{ KUBEADM_RUNTIME, NULL, "dial unix ", false },
	{ KUBEADM_RUNTIME, NULL, "unknown service runtime.", false },
	{ KUBEADM_REGISTRY, NULL, "failed to pull image", false },
	{ KUBEADM_REGISTRY, NULL, "pull and unpack image", false },
	{ KUBEADM_REGISTRY, NULL, "PullImage from image service failed", false },
	{ KUBEADM_KUBELET, NULL, ":10248/healthz", false },
	{ KUBEADM_KUBELET, NULL, "waiting for the kubelet to start", false },
	{ KUBEADM_KUBELET, NULL, "The kubelet is not healthy after", false },
	{ KUBEADM_PLANE, NULL, "could not bootstrap the admin user", false },
	{ KUBEADM_PLANE, NULL, "waiting for the control plane to start", false },
	{ KUBEADM_PLANE, NULL, "initialize a Kubernetes cluster", false },
	{ KUBEADM_API, NULL, "/api/v1/", false },
	{ KUBEADM_API, NULL, "/apis/", false },
	{ KUBEADM_API, NULL, "cannot get Node ", false },
	{ KUBEADM_API, NULL, "the server ", false },
	{ KUBEADM_API, NULL, "Internal error occurred: ", false },
	{ KUBEADM_ETCD, NULL, "etcdserver: ", false },
	{ KUBEADM_ETCD, NULL, "etcdclient: ", false },
	{ KUBEADM_ETCD, NULL, "etcd-endpoints://", false },
	{ KUBEADM_ETCD, NULL, "etcd-client", false },
	{ KUBEADM_ETCD, NULL, "etcd client", false },
	{ KUBEADM_ETCD, NULL, "etcd cluster", false },
	{ KUBEADM_ETCD, NULL, "etcd member", false },
	{ KUBEADM_ETCD, NULL, "endpoints with etcd", false },
	{ KUBEADM_ETCD, NULL, "list of etcd endpoints", false },
	{ KUBEADM_ETCD, NULL, "the status of member ", false },
	{ KUBEADM_ETCD, NULL, ":2379", false },
	{ KUBEADM_KUBELET, NULL, "ploading crisocket", false },
	{ KUBEADM_KUBELET, NULL, "riting Crisocket information", false },
	{ KUBEADM_KUBELET, NULL, "riting CRISocket for this node", false },

	{ KUBEADM_ETCD, "check-etcd", NULL, true },
	{ KUBEADM_ETCD, "etcd-join", NULL, true },
	{ KUBEADM_ETCD, "control-plane-join/etcd", NULL, true },
	{ KUBEADM_KUBELET, "kubelet-start", NULL, true },
	{ KUBEADM_KUBELET, "kubelet-wait-bootstrap", NULL, true },
	{ KUBEADM_PLANE, "wait-control-plane", NULL, true },
};

struct cause_row {
	enum kubeadm_cause cause;
	const char *text[2]; /* [1] may be NULL */
};

/* The first row that fits is used: what prevents it comes before what is seen of it. */
static const struct cause_row cause_rows[] = {
	{ KUBEADM_DENIED, { "webhook", " denied the request" } },
	{ KUBEADM_DENIED, { "olicy ", " denied request: " } },
	{ KUBEADM_DISK_FULL, { "no space left on device" } },
	{ KUBEADM_DISK_FULL, { "disk quota exceeded" } },
	{ KUBEADM_READ_ONLY, { "read-only file system" } },
	{ KUBEADM_DISK_ERROR, { "input/output error" } },
	{ KUBEADM_DISK_ERROR, { "structure needs cleaning" } },
	{ KUBEADM_NO_MEMORY, { "cannot allocate memory" } },
	{ KUBEADM_OTHER_CPU, { "exec format error" } },
	{ KUBEADM_NO_PROGRAM, { "executable file not found" } },
	{ KUBEADM_NO_PROGRAM, { "exit status 127" } },
	{ KUBEADM_NO_PROGRAM, { "fork/exec ", "no such file or directory" } },
	{ KUBEADM_NO_PROGRAM, { "command not found" } },
	{ KUBEADM_NO_PROGRAM, { "/bin/sh: ", ": not found" } },

	{ KUBEADM_PROXY, { "proxyconnect " } },
	{ KUBEADM_PROXY, { "socks connect " } },
	{ KUBEADM_PROXY_REFUSES, { "Proxy Authentication Required" } },
	/* What the proxy answers to CONNECT comes without its number (net/http, transport.go). */
	{ KUBEADM_PROXY_REFUSES, { "://", ": Forbidden" } },
	{ KUBEADM_PROXY_REFUSES, { "://", ": Method Not Allowed" } },
	{ KUBEADM_PROXY_REFUSES, { "://", ": Bad Request" } },
	{ KUBEADM_PROXY, { "://", ": Service Unavailable" } },
	{ KUBEADM_PROXY, { "://", ": Bad Gateway" } },
	{ KUBEADM_PROXY, { "://", ": Gateway Timeout" } },
	{ KUBEADM_PROXY, { "://", ": Gateway Time-out" } },
	{ KUBEADM_PROXY, { "://", ": Internal Server Error" } },
	{ KUBEADM_NAME, { "no such host" } },
	{ KUBEADM_NAME, { "Name or service not known" } },
	{ KUBEADM_DNS, { "server misbehaving" } },
	{ KUBEADM_DNS, { "Temporary failure in name resolution" } },
	{ KUBEADM_DNS, { "dial tcp: lookup " } },
	{ KUBEADM_DNS, { "lookup ", ":53: " } },
	{ KUBEADM_DNS, { "dial udp " } },

	{ KUBEADM_EARLY, { "x509: certificate has expired or is not yet valid", " is before " } },
	{ KUBEADM_EARLY, { "certificate is not valid yet" } },
	{ KUBEADM_EXPIRED, { "x509: certificate has expired or is not yet valid", " is after " } },
	{ KUBEADM_CLOCK, { "x509: certificate has expired or is not yet valid" } },
	{ KUBEADM_CLOCK, { "tls: expired certificate" } },
	{ KUBEADM_EXPIRED, { "certificate has expired" } },
	{ KUBEADM_OTHER_HOST, { "x509: certificate is valid for " } },
	{ KUBEADM_OTHER_HOST, { "x509: certificate is not valid for any names" } },
	{ KUBEADM_OTHER_HOST, { "x509: cannot validate certificate for " } },
	{ KUBEADM_OTHER_HOST, { "x509: certificate relies on legacy Common Name" } },
	{ KUBEADM_OTHER_HOST, { "x509: Common Name is not a valid hostname" } },
	{ KUBEADM_NOT_ACCEPTED, { "remote error: tls: bad certificate" } },
	{ KUBEADM_NOT_ACCEPTED, { "remote error: tls: unknown certificate" } },
	{ KUBEADM_NOT_ACCEPTED,
	  { "remote error: tls: certificate " } }, /* "required", "unknown"; and revoked, unobtainable */
	{ KUBEADM_NOT_ACCEPTED, { "remote error: tls: revoked certificate" } },
	{ KUBEADM_NOT_ACCEPTED, { "remote error: tls: unsupported certificate" } },
	{ KUBEADM_UNTRUSTED, { "x509: " } },
	{ KUBEADM_UNTRUSTED, { "tls: failed to verify certificate" } },
	{ KUBEADM_UNTRUSTED, { "self-signed certificate" } },
	{ KUBEADM_PLAIN, { "server gave HTTP response to HTTPS client" } },
	{ KUBEADM_PLAIN, { "does not look like a TLS handshake" } },
	{ KUBEADM_PLAIN, { "tls: oversized record received" } },
	{ KUBEADM_PLAIN, { "malformed HTTP response" } },
	{ KUBEADM_PLAIN, { "HTTP request to an HTTPS server" } },
	{ KUBEADM_SILENT, { "TLS handshake timeout" } },
	{ KUBEADM_TLS, { "remote error: tls: " } },
	{ KUBEADM_TLS, { ": tls: " } },

	{ KUBEADM_OLD_CRI, { "unknown service runtime." } },
	{ KUBEADM_NOT_READY, { "container runtime condition", "is not true" } },
	{ KUBEADM_PULL_POLICY, { "unsupported pull policy" } },
	{ KUBEADM_REFERENCE, { "invalid reference format" } },
	{ KUBEADM_REFERENCE, { "failed to parse image reference" } },
	{ KUBEADM_REFERENCE, { "could not parse reference" } },
	{ KUBEADM_REFERENCE, { "must be lowercase" } },
	{ KUBEADM_REFERENCE, { "short-name" } },
	{ KUBEADM_SIGNATURE, { "Source image rejected" } },
	{ KUBEADM_SIGNATURE, { "signature was required" } },
	{ KUBEADM_SIGNATURE, { "signature validation failed" } },
	{ KUBEADM_PLATFORM, { "no match for platform" } },
	{ KUBEADM_PLATFORM, { "no matching manifest for" } },
	{ KUBEADM_PLATFORM, { "no image found in ", "for architecture" } },
	{ KUBEADM_PLATFORM, { "media type ", " is no longer supported" } },
	{ KUBEADM_CONTENT, { "content at ", "not found" } },
	{ KUBEADM_CONTENT, { "content digest ", "not found" } },
	{ KUBEADM_CONTENT, { "could not fetch content " } },
	{ KUBEADM_CONTENT, { "unexpected commit " } },
	{ KUBEADM_CONTENT, { "wrong diff id " } },
	{ KUBEADM_CONTENT, { "failed size validation" } },
	{ KUBEADM_CONTENT, { "layer verification failed" } },
	{ KUBEADM_CONTENT, { "blob unknown" } },
	{ KUBEADM_CONTENT, { "digest did not match" } },
	{ KUBEADM_LIMIT, { "toomanyrequests" } },
	{ KUBEADM_LIMIT, { "429 Too Many Requests" } },
	{ KUBEADM_LIMIT, { "TOO_MANY_REQUESTS" } },
	{ KUBEADM_LIMIT, { "parsing HTTP 429" } },
	{ KUBEADM_LIMIT, { "pull rate limit" } },
	{ KUBEADM_BUSY, { "500 Internal Server Error" } },
	{ KUBEADM_BUSY, { "502 Bad Gateway" } },
	{ KUBEADM_BUSY, { "503 Service Unavailable" } },
	{ KUBEADM_BUSY, { "503 Service Temporarily Unavailable" } },
	{ KUBEADM_BUSY, { "504 Gateway Time" } },
	{ KUBEADM_BUSY, { "unexpected HTTP status: 5" } },
	{ KUBEADM_BUSY, { "StatusCode: 5" } },
	{ KUBEADM_BUSY, { "parsing HTTP 5" } },
	{ KUBEADM_BUSY, { "status code from registry 5" } },

	{ KUBEADM_SILENT, { ": connect: " } },
	{ KUBEADM_SILENT, { "connection refused" } },
	{ KUBEADM_SILENT, { "connection reset by peer" } },
	{ KUBEADM_SILENT, { "connection timed out" } },
	{ KUBEADM_SILENT, { "no route to host" } },
	{ KUBEADM_SILENT, { "network is unreachable" } },
	{ KUBEADM_SILENT, { "i/o timeout" } },
	{ KUBEADM_SILENT, { "broken pipe" } },
	{ KUBEADM_SILENT, { "request canceled" } },
	{ KUBEADM_SILENT, { "Client.Timeout exceeded" } },
	{ KUBEADM_SILENT, { "unexpected EOF" } },
	{ KUBEADM_SILENT, { ": EOF" } },
	{ KUBEADM_SILENT, { "http2: " } },
	{ KUBEADM_SILENT, { "transport is closing" } },
	{ KUBEADM_SILENT, { "error reading server preface" } },
	{ KUBEADM_SILENT, { "abort connecting to API servers" } },
	{ KUBEADM_SILENT, { "client rate limiter Wait returned an error" } },
	{ KUBEADM_SILENT, { "no available endpoints" } },

	{ KUBEADM_UNPACK, { "snapshot" } },
	{ KUBEADM_UNPACK, { "lease does not exist" } },
	{ KUBEADM_UNPACK, { "failed to extract layer" } },
	{ KUBEADM_UNPACK, { "failed to register layer" } },
	{ KUBEADM_UNPACK, { "mount callback failed" } },
	{ KUBEADM_UNPACK, { "writing blob: " } },
	{ KUBEADM_NOT_FOUND, { "repository does not exist" } },
	{ KUBEADM_DENIED, { "401 Unauthorized" } },
	{ KUBEADM_DENIED, { "403 Forbidden" } },
	{ KUBEADM_DENIED, { "401 (Unauthorized)" } },
	{ KUBEADM_DENIED, { "403 (Forbidden)" } },
	{ KUBEADM_DENIED, { "451 Unavailable For Legal Reasons" } },
	{ KUBEADM_DENIED, { "parsing HTTP 401" } },
	{ KUBEADM_DENIED, { "parsing HTTP 403" } },
	{ KUBEADM_DENIED, { "StatusCode: 401" } },
	{ KUBEADM_DENIED, { "StatusCode: 403" } },
	{ KUBEADM_DENIED, { "unauthorized: " } },
	{ KUBEADM_DENIED, { "UNAUTHORIZED" } },
	{ KUBEADM_DENIED, { "DENIED" } },
	{ KUBEADM_DENIED, { "no basic auth credentials" } },
	{ KUBEADM_DENIED, { "authentication required" } },
	{ KUBEADM_DENIED, { "authorization failed" } },
	{ KUBEADM_DENIED, { "requested access to the resource is denied" } },
	{ KUBEADM_DENIED, { "ermission denied" } },
	{ KUBEADM_DENIED, { "denied: " } },
	{ KUBEADM_NOT_FOUND, { "manifest unknown" } },
	{ KUBEADM_NOT_FOUND, { "name unknown" } },
	{ KUBEADM_NOT_FOUND, { "MANIFEST_UNKNOWN" } },
	{ KUBEADM_NOT_FOUND, { "NAME_UNKNOWN" } },
	{ KUBEADM_NOT_FOUND, { "404 Not Found" } },
	{ KUBEADM_NOT_FOUND, { "404 (Not Found)" } },
	{ KUBEADM_NOT_FOUND, { "StatusCode: 404" } },
	{ KUBEADM_NOT_FOUND, { "not found" } },

	{ KUBEADM_BUSY, { "the server is currently unable to handle the request" } },
	{ KUBEADM_BUSY, { "the server has received too many requests" } },
	{ KUBEADM_BUSY, { "unable to return a response in the time allotted" } },
	{ KUBEADM_BUSY, { "an error on the server " } },
	{ KUBEADM_BUSY, { "Internal error occurred: " } },
	{ KUBEADM_BUSY, { "Too many requests: " } },
	{ KUBEADM_BUSY, { "could not be completed at this time, please try again" } },
	{ KUBEADM_BUSY, { "the server reported a conflict" } },
	{ KUBEADM_BUSY, { "the object has been modified" } },
	{ KUBEADM_BUSY, { "request did not complete within" } },
	{ KUBEADM_BUSY, { "Service Unavailable" } },
	{ KUBEADM_BUSY, { "Too Many Requests" } },
	{ KUBEADM_LATE, { "context deadline exceeded" } },
	{ KUBEADM_LATE, { "DeadlineExceeded" } },
	{ KUBEADM_LATE, { "timed out waiting for the condition" } },
	{ KUBEADM_LATE, { "timed out" } },
	{ KUBEADM_LATE, { "code = Unavailable" } },
	{ KUBEADM_DENIED, { "failed to authorize" } },
	{ KUBEADM_LATE, { "failed to request the " } },
	{ KUBEADM_LATE, { "unable to fetch the " } },
};

static bool has(const char *line, const char *text)
{
	return !text || strstr(line, text);
}

static bool is_of(const struct subject_row *row, const struct kubeadm_message *m)
{
	enum kubeadm_message_kind kind = row->is_phase ? KUBEADM_MESSAGE_FINAL : KUBEADM_MESSAGE_CHECK;

	if (row->name && (m->kind != kind || !text_starts(m->name, row->name)))
		return false;
	return has(m->text.data, row->text);
}

enum kubeadm_subject kubeadm_subject_of(const struct kubeadm_message *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(subject_rows); i++)
		if (is_of(&subject_rows[i], m))
			return subject_rows[i].subject;
	return m->kind == KUBEADM_MESSAGE_CHECK ? KUBEADM_MACHINE : KUBEADM_API;
}

enum kubeadm_cause kubeadm_cause_of(const struct kubeadm_message *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(cause_rows); i++)
		if (has(m->text.data, cause_rows[i].text[0]) && has(m->text.data, cause_rows[i].text[1]))
			return cause_rows[i].cause;
	return KUBEADM_NO_CAUSE;
}
