/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A server with the Proxmox VE API on loopback, with TLS (pve_stub.h works without a network). Each connection gets a process of
 * its own. The server answers by a table and records what it was sent:
 *
 *	static const struct stub_route routes[] = { { "GET /version", "200 OK", "{\"data\":7}" }, { NULL } };
 *	CLEANUP(stub_stop) struct stub stub;
 *	stub_start(&stub, routes);
 *	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
 *	CHECK(strstr(stub.seen->text, "GET /api2/json/version"));
 *
 * Of several routes for one request each answers once, in order; the last one answers the rest. A status of NULL closes the
 * connection without an answer.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/pve.h"
#include "lib/text.h"

#define STUB_SEEN_MAX (1 << 17)
#define STUB_ROUTES_MAX 32
#define STUB_PREFIX "/api2/json"

struct stub_route {
	const char *request; /* "METHOD PATH", without STUB_PREFIX and query */
	const char *status;  /* "200 OK" */
	const char *body;
};

/* Shared with the stub's processes, which write one after another. */
struct stub_seen {
	size_t len;
	unsigned count[STUB_ROUTES_MAX];
	char text[STUB_SEEN_MAX]; /* the requests, headers and bodies */
};

struct stub {
	pid_t pid;
	const struct stub_route *routes;
	struct stub_seen *seen;
	char *url, *ca; /* owned */
	struct strings fingerprints;
};

static X509 *stub_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509V3_CTX context;

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)"stub", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *name = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "IP:127.0.0.1");
	X509_add_ext(certificate, name, -1);
	X509_EXTENSION_free(name);
	X509_sign(certificate, key, EVP_sha256());
	return certificate;
}

static void stub_describe(struct stub *stub, X509 *certificate)
{
	struct text fingerprint = { 0 };
	unsigned char sum[EVP_MAX_MD_SIZE];
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned n;
	char *pem;

	X509_digest(certificate, EVP_sha256(), sum, &n);
	for (unsigned i = 0; i < n; i++)
		text_addf(&fingerprint, "%s%02X", i ? ":" : "", sum[i]);
	strings_own(&stub->fingerprints, text_take(&fingerprint));
	PEM_write_bio_X509(bio, certificate);
	long size = BIO_get_mem_data(bio, &pem);
	stub->ca = xstrndup(pem, (size_t)size);
	BIO_free(bio);
}

/* Reads one request into the record; its start, or NULL when the connection ends. */
static const char *stub_read(SSL *ssl, struct stub_seen *seen)
{
	size_t start = seen->len, need = 0;

	for (;;) {
		const char *request = seen->text + start, *end = strstr(request, "\r\n\r\n");
		const char *length = end ? strcasestr(request, "\r\nContent-Length: ") : NULL;
		if (end && !need)
			need = (size_t)(end - request) + 4 + (length ? strtoul(length + 18, NULL, 10) : 0);
		if (need && seen->len - start >= need)
			return request;
		int n = SSL_read(ssl, seen->text + seen->len, (int)(STUB_SEEN_MAX - 1 - seen->len));
		if (n <= 0)
			return NULL;
		seen->len += (size_t)n;
	}
}

static const struct stub_route *stub_route_of(const struct stub *stub, const char *request)
{
	size_t method = strcspn(request, " "), path = strcspn(request + method + 1, " ?");
	CLEANUP(free_p)
	char *line = xasprintf("%.*s%.*s", (int)method + 1, request, (int)(path - strlen(STUB_PREFIX)),
			       request + method + 1 + strlen(STUB_PREFIX));
	const struct stub_route *found = NULL;

	for (size_t i = 0; stub->routes[i].request; i++) {
		if (strcmp(stub->routes[i].request, line))
			continue;
		found = &stub->routes[i];
		if (!stub->seen->count[i]++)
			break;
	}
	return found;
}

static void stub_connection(const struct stub *stub, SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);
	const char *request;

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) <= 0)
		_exit(1);
	while ((request = stub_read(ssl, stub->seen))) {
		static const struct stub_route unknown = { NULL, "501 No such route", "" };
		const struct stub_route *route = stub_route_of(stub, request);
		route = route ? route : &unknown;
		if (!route->status)
			_exit(0);
		CLEANUP(free_p)
		char *answer = xasprintf("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", route->status,
					 strlen(route->body), route->body);
		SSL_write(ssl, answer, (int)strlen(answer));
	}
	_exit(0);
}

static void stub_serve(const struct stub *stub, SSL_CTX *context, int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			stub_connection(stub, context, fd);
		}
		close(fd);
	}
}

static void stub_start(struct stub *stub, const struct stub_route *routes)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = stub_certificate(key);

	*stub = (struct stub){ .routes = routes };
	stub->seen = mmap(NULL, sizeof *stub->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stub_describe(stub, certificate);
	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, key);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 16) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		abort();
	stub->url = xasprintf("https://127.0.0.1:%d", ntohs(address.sin_port));
	stub->pid = fork();
	if (stub->pid == 0)
		stub_serve(stub, context, listener);
	close(listener);
	X509_free(certificate);
	EVP_PKEY_free(key);
	SSL_CTX_free(context);
}

static void stub_stop(struct stub *stub)
{
	kill(stub->pid, SIGKILL);
	waitpid(stub->pid, NULL, 0);
	munmap(stub->seen, sizeof *stub->seen);
	strings_done(&stub->fingerprints);
	free(stub->url);
	free(stub->ca);
}

UNUSED static struct pve *stub_open(const struct stub *stub)
{
	struct pve *pve = NULL;
	struct error err = { 0 };

	if (pve_open(&(struct pve_access){ .url = stub->url,
					   .token_id = "a@pve!t",
					   .token_secret = "SECRET",
					   .fingerprints = &stub->fingerprints },
		     &pve, &err) < 0)
		abort();
	return pve;
}

UNUSED static void stub_pve_close_p(struct pve **pve)
{
	pve_close(*pve);
}
