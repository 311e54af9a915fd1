/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/toolchain/agent_libcurl.h"
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
	char none[SHA256_HEX], source[SHA256_HEX], compilers[SHA256_HEX];

	CHECK(!libcurl_is_compiled(&lock));
	agent_libcurl_key(&lock, none);
	add_source(&lock, (struct lock_file){ .name = xstrdup("x.dsc"), .sha256 = xstrdup("aa") });
	CHECK(libcurl_is_compiled(&lock));
	agent_libcurl_key(&lock, source);
	vec_push(&lock.group[LOCK_TOOLCHAIN], (struct lock_package){ .name = xstrdup("gcc"), .version = xstrdup("1") });
	agent_libcurl_key(&lock, compilers);
	CHECK(strcmp(none, source) != 0 && strcmp(source, compilers) != 0);
}

/* `cp -rL FROM TO` of the last step makes the result. */
static int copy(const struct toolchain_step *step, const char *line, struct error *err)
{
	if (!text_starts(line, "cp "))
		return 0;
	CLEANUP(free_p) char *file = xasprintf("%s/%s/copied", step->work, step->argv->at[3]);
	return file_write(AT_FDCWD, file, line, strlen(line), 0644, err);
}

TEST(agent_libcurl_make_steps)
{
	static const char *const steps[] = {
		"curl.parts: dpkg-source --no-check --no-copy --extract curl.dsc /build/curl\n",
		"build: ../curl/configure --quiet ",
		"build/lib: make --silent --jobs=",
		" ACLOCAL=: AUTOCONF=: AUTOHEADER=: AUTOMAKE=: libcurl.la\n",
		".: strip --strip-unneeded build/lib/.libs/libcurl.so.4\n",
		".: cp -rL curl/include/curl result/include\n",
		".: cp -rL build/lib/.libs/libcurl.so.4 result/guest/usr/lib/nodekiln\n",
		".: cp -rL curl/debian/copyright result/guest/usr/share/doc/nodekiln-libcurl\n",
	};
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(free_p) char *made = NULL, *again = NULL;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	add_source(&lock, fake_cached(&w.cache, path, "curl.dsc", "Format: 3.0\n"));
	struct toolchain t = fake_toolchain(path, &lock, &w.cache);
	fake_answer = copy;
	int rc = agent_libcurl_make(&t, &made, &err);
	fake_answer = NULL;
	CHECK_STR(rc < 0 ? err.text : "", "");
	const char *at = fake_steps.data;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		at = strstr(at, steps[i]);
		CHECK(at);
	}
	CHECK(fake_has(path, "/libcurl/curl.parts/curl.dsc") && fake_has(made, "/include/copied"));
	CHECK(fake_has(made, "/guest/usr/lib/nodekiln/copied"));
	/* From the cache the second time. */
	text_done(&fake_steps);
	CHECK(agent_libcurl_make(&t, &again, &err) == 0 && !fake_steps.len);
	CHECK_STR(again, made);
	FAKE_ROOT_END();
}
