/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/toolchain/agent_libcurl.h"

#include "builder/lock/lock_toolchain.h"
#include "tests/unit/fake_toolchain.h"

static void add_source(struct lock *lock, struct lock_file dsc)
{
	struct lock_source source = { .name = xstrdup("curl"), .version = xstrdup("7.88") };

	vec_push(&source.files.list, dsc);
	vec_push(&lock->sources, source);
}

TEST(agent_libcurl_key_of_source_and_compilers)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	char none[SHA256_HEX], source[SHA256_HEX], compilers[SHA256_HEX], tls[SHA256_HEX];

	agent_libcurl_key(&lock, none);
	add_source(&lock, (struct lock_file){ .name = xstrdup("x.dsc"), .sha256 = xstrdup("aa") });
	agent_libcurl_key(&lock, source);
	vec_push(&lock.group[LOCK_TOOLCHAIN], (struct lock_package){ .name = xstrdup("gcc"), .version = xstrdup("1") });
	agent_libcurl_key(&lock, compilers);
	lock.group[LOCK_TOOLCHAIN].at[0].name = (free(lock.group[LOCK_TOOLCHAIN].at[0].name), xstrdup(MBEDTLS_PACKAGE));
	agent_libcurl_key(&lock, tls);
	CHECK(strcmp(none, source) != 0 && strcmp(source, compilers) != 0 && strcmp(compilers, tls) != 0);
}

/* `cp -rL FROM TO` of the last step makes the result. */
static int copy(const struct toolchain_step *step, const char *line, struct error *err)
{
	if (!text_starts(line, "cp "))
		return 0;
	CLEANUP(free_p) char *file = xasprintf("%s/%s/copied", step->work, step->argv->at[3]);
	return file_write(AT_FDCWD, file, line, strlen(line), 0644, err);
}

/* The steps of a compilation with these packages in the toolchain, in order. */
static const char *const shared_steps[] = {
	"curl.parts: dpkg-source --no-check --no-copy --extract curl.dsc /build/curl\n",
	"build: ../curl/configure --quiet ",
	" --disable-static --with-openssl --with-ca-path=/etc/ssl/certs --without-ca-bundle\n",
	"build/lib: make --silent --jobs=",
	" ACLOCAL=: AUTOCONF=: AUTOHEADER=: AUTOMAKE=: libcurl.la\n",
	".: strip --strip-unneeded build/lib/.libs/libcurl.so.4\n",
	".: cp -rL curl/include/curl result/include\n",
	".: cp -rL build/lib/.libs/libcurl.so.4 result/guest/usr/lib/nodekiln\n",
	".: cp -rL curl/debian/copyright result/guest/usr/share/doc/nodekiln-libcurl\n",
	NULL,
};
static const char *const static_steps[] = {
	"build: ../curl/configure --quiet ",
	" --disable-shared --with-pic --with-mbedtls --without-ca-path "
	"--with-ca-bundle=/etc/ssl/certs/ca-certificates.crt\n",
	".: strip --strip-unneeded build/lib/.libs/libcurl.a\n",
	".: cp -rL build/lib/.libs/libcurl.a result\n",
	NULL,
};

/* Makes libcurl with this package in the toolchain (NULL = none); the steps have the texts, in order. */
static void make_libcurl(const char *package, const char *const *steps, const char *library)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(free_p) char *made = NULL, *again = NULL;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	add_source(&lock, fake_cached(&w.cache, path, "curl.dsc", "Format: 3.0\n"));
	if (package)
		vec_push(&lock.group[LOCK_TOOLCHAIN],
			 (struct lock_package){ .name = xstrdup(package), .version = xstrdup("1") });
	struct toolchain t = fake_toolchain(path, &lock, &w.cache);
	fake_answer = copy;
	int rc = agent_libcurl_make(&t, &made, &err);
	fake_answer = NULL;
	CHECK_STR(rc < 0 ? err.text : "", "");
	const char *at = fake_steps.data;
	for (; *steps; steps++) {
		at = strstr(at, *steps);
		CHECK_STR(at ? *steps : fake_steps.data, *steps);
	}
	CHECK(fake_has(path, "/libcurl/curl.parts/curl.dsc") && fake_has(made, "/include/copied"));
	CHECK(fake_has(made, library));
	/* From the cache the second time. */
	text_done(&fake_steps);
	CHECK(agent_libcurl_make(&t, &again, &err) == 0 && !fake_steps.len);
	CHECK_STR(again, made);
	FAKE_ROOT_END();
}

TEST(agent_libcurl_make_shared_over_openssl)
{
	make_libcurl(NULL, shared_steps, "/guest/usr/lib/nodekiln/copied");
}

TEST(agent_libcurl_make_static_over_mbedtls)
{
	make_libcurl(MBEDTLS_PACKAGE, static_steps, "/copied");
}
