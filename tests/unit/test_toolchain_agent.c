/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_toolchain.h"

static void make_sources(const char *root)
{
	fake_put(root, "/data/agent/run.c", "int main(void) {}");
	fake_put(root, "/data/agent/notes.txt", "no source");
	fake_put(root, "/data/lib/b.c", "int b;");
	fake_put(root, "/data/lib/a.c", "int a;");
	fake_put(root, "/data/lib/c_mbedtls.c", "int c;");
	fake_put(root, "/data/lib/c_openssl.c", "int c;");
	CLEANUP(free_p) char *data = xasprintf("%s/data", root);
	setenv("NODEKILN_DATA", data, 1);
}

static void add_package(struct lock *lock, enum lock_group group, const char *name)
{
	vec_push(&lock->group[group],
		 (struct lock_package){ .name = xstrdup(name), .version = xstrdup("1"), .sha256 = xstrdup(name) });
}

/* What changes the program changes its key. */
TEST(toolchain_agent_key_of_each_input)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	char keys[4][SHA256_HEX];

	FAKE_ROOT();
	make_sources(path);
	CHECK(toolchain_agent_key(&lock, keys[0], &err) == 0);
	fake_put(path, "/data/lib/b.c", "int c;");
	CHECK(toolchain_agent_key(&lock, keys[1], &err) == 0);
	add_package(&lock, LOCK_TOOLCHAIN, "gcc");
	CHECK(toolchain_agent_key(&lock, keys[2], &err) == 0);
	vec_push(&lock.sources, (struct lock_source){ .name = xstrdup("curl"), .version = xstrdup("1") });
	CHECK(toolchain_agent_key(&lock, keys[3], &err) == 0);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			CHECK(strcmp(keys[i], keys[k]) != 0);
	/* The packages of the guest do not matter. */
	add_package(&lock, LOCK_BASE, "bash");
	CHECK(toolchain_agent_key(&lock, keys[0], &err) == 0);
	CHECK_STR(keys[0], keys[3]);
	FAKE_ROOT_END();
}

TEST(toolchain_agent_make_compiles_and_publishes)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	char key[SHA256_HEX];

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	make_sources(path);
	struct toolchain t = fake_toolchain(path, &lock, &w.cache);
	CHECK(toolchain_agent_key(&lock, key, &err) == 0 && toolchain_agent_make(&t, key, &err) == 0);
	/* The agent's files, then the library's, sorted; only C files. */
	const char *agent = strstr(fake_steps.data, "objects/agent: gcc -std=gnu17"),
		   *lib = strstr(fake_steps.data, "objects/lib: gcc -std=gnu17");
	CHECK(agent == fake_steps.data && lib > agent);
	CHECK(strstr(agent, " -c ../../agent/run.c\n") &&
	      strstr(lib, " -c ../../lib/a.c ../../lib/b.c ../../lib/c_openssl.c\n"));
	CHECK(strstr(lib, "\n.: ar rcsD lib.a objects/lib/a.o objects/lib/b.o objects/lib/c_openssl.o\n"));
	CHECK(strstr(lib, " -o guest/usr/bin/nodekiln-agent objects/agent/run.o lib.a -lcurl -lyaml "));
	CHECK(strstr(lib, "\n.: ./guest/usr/bin/nodekiln-agent --version\n"));
	CHECK(cache_has(&w.cache, "artifacts", key));
	CLEANUP(free_p) char *found = NULL, *want = xasprintf("%s/artifacts/%s", w.cache.path, key);
	CHECK(toolchain_agent(&lock, &w.cache, &found, &err) == 0);
	CHECK_STR(found, want);
	text_done(&fake_steps);
	FAKE_ROOT_END();
}

/* The archive of libcurl and the licences are "made" by the steps that would. */
static int make_file(const struct toolchain_step *step, const char *line, struct error *err)
{
	bool library = strstr(line, "libcurl.a result");

	if (!text_starts(line, "cp "))
		return 0;
	const char *directory = step->argv->at[step->argv->n - 1];
	CLEANUP(free_p) char *file = xasprintf("%s/%s/%s", step->work, directory, library ? "libcurl.a" : "copyright");
	return file_write(AT_FDCWD, file, line, strlen(line), 0644, err);
}

/* With Mbed TLS in the toolchain, only libblkid and the C library are not parts of the program. */
TEST(toolchain_agent_make_links_statically)
{
	static const char *const licences[] = { "libmbedtls-dev", "libyaml-dev", "libjson-c-dev" };
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct lock_source source = { .name = xstrdup("curl"), .version = xstrdup("8") };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	make_sources(path);
	add_package(&lock, LOCK_TOOLCHAIN, "libmbedtls-dev");
	vec_push(&source.files.list, fake_cached(&w.cache, path, "curl.dsc", "Format: 3.0\n"));
	vec_push(&lock.sources, source);
	struct toolchain t = fake_toolchain(path, &lock, &w.cache);
	fake_answer = make_file;
	int rc = toolchain_agent_make(&t, "key", &err);
	fake_answer = NULL;
	CHECK_STR(rc < 0 ? err.text : "", "");
	CHECK(strstr(fake_steps.data, "../../lib/c_mbedtls.c\n") && !strstr(fake_steps.data, "c_openssl"));
	CHECK(strstr(fake_steps.data, " lib.a libcurl.a -Wl,-Bstatic -lmbedtls -lmbedx509 -lmbedcrypto -lyaml -ljson-c "
				      "-Wl,-Bdynamic -lblkid\n"));
	for (size_t i = 0; i < ARRAY_SIZE(licences); i++) {
		CLEANUP(free_p)
		char *file = xasprintf("/artifacts/key/usr/share/doc/nodekiln-agent/%s/copyright", licences[i]);
		CHECK(fake_has(w.cache.path, file));
	}
	text_done(&fake_steps);
	FAKE_ROOT_END();
}

static int fail_check(const struct toolchain_step *step UNUSED, const char *line, struct error *err)
{
	return strstr(line, "--version") ? error_set(err, ERROR_COMMAND, "exit status 127") : 0;
}

/* A program that does not start is not published. */
TEST(toolchain_agent_make_checks_the_program)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	make_sources(path);
	struct toolchain t = fake_toolchain(path, &lock, &w.cache);
	fake_answer = fail_check;
	CHECK(toolchain_agent_make(&t, "key", &err) == -1);
	fake_answer = NULL;
	CHECK_STR(err.text, "compile nodekiln-agent: exit status 127");
	CHECK(!cache_has(&w.cache, "artifacts", "key"));
	text_done(&fake_steps);
	FAKE_ROOT_END();
}
