/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/toolchain/agent_libcurl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "builder/cache/cache_claim.h"
#include "builder/job/workers.h"
#include "builder/lock/lock_fetch.h"
#include "builder/lock/lock_toolchain.h"
#include "builder/toolchain/source_package.h"
#include "builder/tree/tree.h"
#include "lib/file.h"
#include "lib/hash.h"

/* Raise when the same source and options give another result. */
#define FORMAT "2"
/* In the work directory. */
#define SOURCE LIBCURL_SOURCE
#define BUILD "build"
#define RESULT "result"
#define LIBRARIES BUILD "/lib/.libs/"

/*
 * Disables everything that lib/curl_transfer.c does not use. No threads: names are resolved synchronously. configure of an older
 * release warns about options that it does not know and continues.
 */
static const char *const options[] = {
	"--quiet",
	"--disable-dependency-tracking",
	"--enable-symbol-hiding",
	/* Fixed, because configure would test both, with a result that depends on the machine; the sandbox has no sockets
	 * to test with. */
	"--enable-ipv6",
	"curl_disallow_getifaddrs=yes",
	"--without-brotli",
	"--without-libgsasl",
	"--without-libidn2",
	"--without-libpsl",
	"--without-librtmp",
	"--without-libssh2",
	"--without-nghttp2",
	"--without-zlib",
	"--without-zstd",
	"--disable-alt-svc",
	"--disable-ares",
	"--disable-aws",
	"--disable-cookies",
	"--disable-crypto-auth",
	"--disable-dateparse",
	"--disable-dict",
	"--disable-dnsshuffle",
	"--disable-doh",
	"--disable-file",
	"--disable-form-api",
	"--disable-ftp",
	"--disable-get-easy-options",
	"--disable-gopher",
	"--disable-headers-api",
	"--disable-hsts",
	"--disable-http-auth",
	"--disable-imap",
	"--disable-ipfs",
	"--disable-ldap",
	"--disable-ldaps",
	"--disable-libcurl-option",
	"--disable-manual",
	"--disable-mime",
	"--disable-mqtt",
	"--disable-netrc",
	"--disable-ntlm",
	"--disable-openssl-auto-load-config",
	"--disable-pop3",
	"--disable-progress-meter",
	"--disable-proxy",
	"--disable-rtsp",
	"--disable-smb",
	"--disable-smtp",
	"--disable-socketpair",
	"--disable-telnet",
	"--disable-tftp",
	"--disable-threaded-resolver",
	"--disable-tls-srp",
	"--disable-unix-sockets",
	"--disable-verbose",
	"--disable-websockets",
	("CFLAGS=-Os -pipe -ffunction-sections -fdata-sections -fstack-protector-strong -fstack-clash-protection "
	 "-fno-asynchronous-unwind-tables"),
	"CPPFLAGS=-D_FORTIFY_SOURCE=2",
	"LDFLAGS=-Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed",
};

/* What differs by the kind of library. */
static const struct libcurl_kind {
	const char *options[5];
	const char *built;     /* in the work directory */
	const char *directory; /* where it is in the result */
} kinds[] = {
	/* OpenSSL looks up CAs one by one in the directory; loading the bundle of all of them takes megabytes. */
	[AGENT_LINK_SHARED] = { { "--disable-static", "--with-openssl", "--with-ca-path=/etc/ssl/certs",
				  "--without-ca-bundle" },
				LIBRARIES "libcurl.so.4",
				RESULT "/" LIBCURL_GUEST "/usr/lib/nodekiln" },
	/* Mbed TLS loads all of them anyway, and the directory has each one three times. */
	[AGENT_LINK_STATIC] = { { "--disable-shared", "--with-pic", "--with-mbedtls", "--without-ca-path",
				  "--with-ca-bundle=/etc/ssl/certs/ca-certificates.crt" },
				LIBRARIES LIBCURL_ARCHIVE,
				RESULT },
};

/* Debian's patches may be newer than configure and its inputs, so make would run the autotools; the release's configure is
 * used. */
static const char *const no_autotools[] = { "ACLOCAL=:", "AUTOCONF=:", "AUTOHEADER=:", "AUTOMAKE=:" };

/* One compilation. */
struct libcurl_build {
	const struct toolchain *toolchain;
	const struct lock_source *source;
	const struct libcurl_kind *kind;
	char *work; /* owned; absolute path outside; TOOLCHAIN_WORK inside */
	int workfd; /* owned */
	char key[SHA256_HEX];
};

void agent_libcurl_key(const struct lock *lock, char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	const struct lock_source *source = lock_source(lock, SOURCE);
	char group[SHA256_HEX];

	lock_group_digest(lock, LOCK_TOOLCHAIN, group);
	hash_field(h, "artifacts", "libcurl");
	hash_field(h, "format", FORMAT);
	hash_field(h, "toolchain", group);
	for (size_t i = 0; source && i < source->files.list.n; i++)
		hash_field(h, "source", source->files.list.at[i].sha256);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		hash_field(h, "option", options[i]);
	const struct libcurl_kind *kind = &kinds[lock_agent_link(lock)];
	for (size_t i = 0; i < ARRAY_SIZE(kind->options) && kind->options[i]; i++)
		hash_field(h, "option", kind->options[i]);
	hash_hex(h, ret_hex);
}

static int run(const struct libcurl_build *m, const char *directory, const struct strings *argv, struct error *err)
{
	struct toolchain_step step = { .work = m->work, .directory = directory, .argv = argv };

	return toolchain_run(m->toolchain, &step, err);
}

static int unpack(const struct libcurl_build *m, struct error *err)
{
	return source_package_unpack(m->source, m->toolchain, m->work, SOURCE, err);
}

static int configure(const struct libcurl_build *m, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	if (dir_make_in(m->workfd, BUILD, 0755, err) < 0)
		return -1;
	strings_add(&argv, "../" SOURCE "/configure");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		strings_add(&argv, options[i]);
	for (size_t i = 0; i < ARRAY_SIZE(m->kind->options) && m->kind->options[i]; i++)
		strings_add(&argv, m->kind->options[i]);
	return run(m, BUILD, &argv, err);
}

/* Only the library: neither the curl program nor the documentation. */
static int compile(const struct libcurl_build *m, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "make", "--silent", NULL);
	strings_addf(&argv, "--jobs=%u", workers_size(0));
	for (size_t i = 0; i < ARRAY_SIZE(no_autotools); i++)
		strings_add(&argv, no_autotools[i]);
	strings_add(&argv, "libcurl.la");
	return run(m, BUILD "/lib", &argv, err);
}

static int strip(const struct libcurl_build *m, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "strip", "--strip-unneeded", m->kind->built, NULL);
	return run(m, ".", &argv, err);
}

/* The result: the headers, the library, and its licence, which must accompany it. */
static int collect(const struct libcurl_build *m, struct error *err)
{
	const struct {
		const char *what, *directory;
	} places[] = {
		{ SOURCE "/include/curl", RESULT "/" LIBCURL_INCLUDE },
		{ m->kind->built, m->kind->directory },
		{ SOURCE "/debian/copyright", RESULT "/" LIBCURL_GUEST "/usr/share/doc/nodekiln-libcurl" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CLEANUP(strings_done) struct strings argv = { 0 };

		if (dir_make_in(m->workfd, places[i].directory, 0755, err) < 0)
			return -1;
		strings_add_all(&argv, "cp", "-rL", places[i].what, places[i].directory, NULL);
		if (run(m, ".", &argv, err) < 0)
			return -1;
	}
	return 0;
}

static int publish(const struct libcurl_build *m, struct error *err)
{
	struct cache *cache = m->toolchain->cache;
	CLEANUP(free_p) char *name = NULL;
	CLEANUP(close_p) int fd = -1, result = dir_open_in(m->workfd, RESULT, err);

	if (result < 0 || cache_scratch(cache, &name, &fd, err) < 0 || tree_overlay_in(result, fd, "", err) < 0)
		return -1;
	return cache_publish(cache, name, "artifacts", m->key, err);
}

static int make(struct libcurl_build *m, struct error *err)
{
	static int (*const steps[])(const struct libcurl_build *m, struct error *err) = { unpack, configure, compile,
											  strip,  collect,   publish };

	if (scratch_directory(&m->toolchain->scratch, "libcurl", &m->work, err) < 0 ||
	    (m->workfd = dir_open(AT_FDCWD, m->work, err)) < 0 ||
	    lock_fetch_source(m->source, m->toolchain->cache, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i](m, err) < 0)
			return -1;
	return 0;
}

int agent_libcurl_make(const struct toolchain *t, char **ret_path, struct error *err)
{
	struct libcurl_build m = { .toolchain = t,
				   .source = lock_source(t->lock, SOURCE),
				   .kind = &kinds[lock_agent_link(t->lock)],
				   .workfd = -1 };

	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;

	agent_libcurl_key(t->lock, m.key);
	if (cache_claim(t->cache, "artifacts", m.key, "the agent's libcurl", &claim, err) < 0)
		return -1;
	if (claim.needed) {
		int rc = make(&m, err);
		close_p(&m.workfd);
		free(m.work);
		if (rc < 0)
			return error_wrap(err, "compile libcurl %s", m.source->version);
	}
	*ret_path = xasprintf("%s/artifacts/%s", t->cache->path, m.key);
	return 0;
}
