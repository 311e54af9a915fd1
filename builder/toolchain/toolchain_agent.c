/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles the agent with the compiler and the libraries of the guest's suite and, by default, with its own libcurl. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cache/cache_claim.h"
#include "builder/cache/digest.h"
#include "builder/lock/lock_toolchain.h"
#include "builder/toolchain/agent_libcurl.h"
#include "builder/toolchain/toolchain.h"
#include "builder/tree/tree.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/job.h"

/* Raise when the same sources give another agent. */
#define FORMAT "4"
#define NAME "nodekiln-agent"
/* In the work directory: the tree that is copied over the guest's, with the same layout, so that the program finds its
 * libcurl. */
#define GUEST "guest"
#define PROGRAM GUEST "/usr/bin/" NAME
#define INCLUDE "libcurl"
#define OBJECTS "objects"
#define ARCHIVE "lib.a"
#define COMPILE_NEED (256ull << 20)

/* The source folders of the agent; lib is linked from an archive, so that only the used objects are included. */
static const char *const folders[] = { "agent", "lib" };
enum { AGENT, LIB };

static const char *const compiler_flags[] = {
	"-std=gnu17",
	"-Os",
	"-pipe",
	"-pthread",
	"-fPIE",
	"-ffunction-sections",
	"-fdata-sections",
	"-fstack-protector-strong",
	"-fno-asynchronous-unwind-tables", /* a C program is not unwound; saves an eighth of its size */
	"-fstack-clash-protection",
	"-D_FORTIFY_SOURCE=2",
	"-D_GNU_SOURCE",
	"-D_FILE_OFFSET_BITS=64",
	"-DNODEKILN_VERSION=\"" NODEKILN_VERSION "\"",
	"-DNODEKILN_PREFIX=\"/usr\"",
	"-I../..",
	"-I../../" INCLUDE,
	NULL
};
static const char *const linker_flags[] = { "-pie",
					    "-s",
					    "-pthread",
					    "-Wl,-z,relro,-z,now",
					    "-Wl,-z,noexecstack",
					    "-Wl,-z,pack-relative-relocs", /* glibc 2.36; saves a tenth of its size */
					    "-Wl,--gc-sections",
					    "-Wl,--as-needed",
					    "-Wl,-rpath,$ORIGIN/../lib/nodekiln",
					    NULL };

/* What differs by how the agent is linked. Implementations in lib end with the name of their TLS library. */
static const struct agent_kind {
	const char *other;         /* sources that end so are of the other TLS library */
	const char *libraries[10]; /* in the order of linking, libcurl first */
} kinds[] = {
	[AGENT_LINK_PACKAGED] = { "_mbedtls", { "-lcurl", "-lyaml", "-ljson-c", "-lssl", "-lcrypto", "-lblkid" } },
	[AGENT_LINK_SHARED] = { "_mbedtls",
				{ GUEST "/" LIBCURL_FILE, "-lyaml", "-ljson-c", "-lssl", "-lcrypto", "-lblkid" } },
	[AGENT_LINK_STATIC] = { "_openssl",
				{ LIBCURL_ARCHIVE, "-Wl,-Bstatic", "-lmbedtls", "-lmbedx509", "-lmbedcrypto", "-lyaml",
				  "-ljson-c", "-Wl,-Bdynamic", "-lblkid" } },
};

/* One compilation. */
struct agent_build {
	const struct toolchain *toolchain;
	const char *key;
	enum agent_link link;
	char *work; /* owned; absolute path outside; TOOLCHAIN_WORK inside */
	int workfd; /* owned */
};

static void add_all(struct strings *argv, const char *const *list)
{
	for (; *list; list++)
		strings_add(argv, *list);
}

static void add_flags(struct hash *h, const char *const *flags)
{
	for (; *flags; flags++)
		hash_field(h, "flag", *flags);
}

int toolchain_agent_key(const struct lock *lock, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char below[SHA256_HEX];

	agent_libcurl_key(lock, below);
	hash_field(h, "artifacts", NAME);
	hash_field(h, "format", FORMAT);
	hash_field(h, "libcurl and toolchain", below);
	add_flags(h, compiler_flags);
	add_flags(h, linker_flags);
	add_flags(h, kinds[lock_agent_link(lock)].libraries);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		CLEANUP(free_p) char *path = xasprintf("%s/%s", data_directory(), folders[i]);
		hash_field(h, "folder", folders[i]);
		if (digest_directory(h, path, err) < 0)
			return error_wrap(err, "the agent's source");
	}
	hash_hex(h, ret_hex);
	return 0;
}

/* from: the absolute path of a directory that no program in the sandbox could write to. */
static int copy_into(const struct agent_build *m, const char *from, const char *to, struct error *err)
{
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, from, err);

	return fd < 0 ? -1 : tree_overlay_in(fd, m->workfd, to, err);
}

static int copy_sources(const struct agent_build *m, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		CLEANUP(free_p) char *from = xasprintf("%s/%s", data_directory(), folders[i]);
		if (copy_into(m, from, folders[i], err) < 0)
			return -1;
	}
	return 0;
}

static int run(const struct agent_build *m, const char *directory, const struct strings *arguments, struct error *err)
{
	struct toolchain_step step = { .work = m->work, .directory = directory, .argv = arguments };

	return toolchain_run(m->toolchain, &step, err);
}

static int copy_archive(const struct agent_build *m, const char *made, struct error *err)
{
	CLEANUP(free_p) char *from = xasprintf("%s/" LIBCURL_ARCHIVE, made);
	CLEANUP(close_p) int in = open(from, O_RDONLY | O_CLOEXEC);
	CLEANUP(close_p)
	int out = in < 0 ? -1 : openat(m->workfd, LIBCURL_ARCHIVE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (out < 0)
		return error_errno(err, errno, "copy %s", from);
	return copy_all(in, out, err);
}

static int copy_libcurl(const struct agent_build *m, struct error *err)
{
	static const char *const parts[][2] = { { LIBCURL_INCLUDE, INCLUDE }, { LIBCURL_GUEST, GUEST } };
	CLEANUP(free_p) char *made = NULL;

	if (m->link == AGENT_LINK_PACKAGED)
		return 0;
	if (agent_libcurl_make(m->toolchain, &made, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		CLEANUP(free_p) char *from = xasprintf("%s/%s", made, parts[i][0]);
		if (copy_into(m, from, parts[i][1], err) < 0)
			return -1;
	}
	return m->link == AGENT_LINK_STATIC ? copy_archive(m, made, err) : 0;
}

/* The licence of each library that becomes a part of the program must accompany it. libcurl's is in LIBCURL_GUEST. */
static int copy_licences(const struct agent_build *m, struct error *err)
{
	for (size_t i = 0; m->link == AGENT_LINK_STATIC && i < LOCK_STATIC_PACKAGES; i++) {
		const char *name = lock_static_packages[i];
		CLEANUP(free_p) char *to = xasprintf(GUEST "/usr/share/doc/" NAME "/%s", name);
		CLEANUP(strings_done) struct strings argv = { 0 };

		if (dir_make_in(m->workfd, to, 0755, err) < 0)
			return -1;
		strings_add_all(&argv, "cp", "-L", NULL);
		strings_addf(&argv, "/usr/share/doc/%s/copyright", name);
		strings_add(&argv, to);
		if (run(m, ".", &argv, err) < 0)
			return -1;
	}
	return 0;
}

/* Adds the names of a folder's C files without ".c", sorted. */
static int list_sources(const struct agent_build *m, const char *folder, struct strings *ret, struct error *err)
{
	CLEANUP(free_p) char *other = xasprintf("%s.c", kinds[m->link].other);
	int fd = dir_open_in(m->workfd, folder, err);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return fd < 0 ? -1 : error_errno(err, errno, "read directory %s", folder);
	while ((errno = 0, entry = readdir(dir)))
		if (text_ends(entry->d_name, ".c") && !text_ends(entry->d_name, other))
			strings_addf(ret, "%.*s", (int)strlen(entry->d_name) - 2, entry->d_name);
	if (errno)
		return error_errno(err, errno, "read directory %s", folder);
	strings_sort(ret);
	return 0;
}

/* Compiles all files of a folder with one command; the objects are written to its working directory, their names to
 * *objects. */
static int compile(const struct agent_build *m, const char *folder, struct strings *objects, struct error *err)
{
	CLEANUP(free_p) char *directory = xasprintf(OBJECTS "/%s", folder);
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(strings_done) struct strings argv = { 0 };

	if (list_sources(m, folder, &names, err) < 0 || dir_make_in(m->workfd, directory, 0755, err) < 0)
		return -1;
	strings_add(&argv, "gcc");
	add_all(&argv, compiler_flags);
	strings_add(&argv, "-c");
	for (size_t i = 0; i < names.n; i++) {
		strings_addf(&argv, "../../%s/%s.c", folder, names.at[i]);
		strings_addf(objects, "%s/%s.o", directory, names.at[i]);
	}
	return run(m, directory, &argv, err);
}

static int archive(const struct agent_build *m, const struct strings *objects, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "ar", "rcsD", ARCHIVE, NULL);
	strings_append(&argv, objects);
	return run(m, ".", &argv, err);
}

static int link_program(const struct agent_build *m, const struct strings *objects, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	if (dir_make_in(m->workfd, GUEST "/usr/bin", 0755, err) < 0)
		return -1;
	strings_add(&argv, "gcc");
	add_all(&argv, linker_flags);
	strings_add_all(&argv, "-o", PROGRAM, NULL);
	strings_append(&argv, objects);
	strings_add(&argv, ARCHIVE);
	add_all(&argv, kinds[m->link].libraries);
	return run(m, ".", &argv, err);
}

/* Starts the program here, so that one that cannot start is found before it is on a node. */
static int check_program(const struct agent_build *m, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "./" PROGRAM, "--version", NULL);
	return run(m, ".", &argv, err);
}

static int publish(const struct agent_build *m, struct error *err)
{
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int fd = -1, guest = dir_open_in(m->workfd, GUEST, err);
	struct cache *cache = m->toolchain->cache;

	if (guest < 0 || cache_scratch(cache, &scratch, &fd, err) < 0 || tree_overlay_in(guest, fd, "", err) < 0)
		return -1;
	return cache_publish(cache, scratch, "artifacts", m->key, err);
}

static int make_program(struct agent_build *m, struct error *err)
{
	CLEANUP(strings_done) struct strings agent = { 0 };
	CLEANUP(strings_done) struct strings lib = { 0 };

	if (scratch_directory(&m->toolchain->scratch, "work", &m->work, err) < 0 ||
	    (m->workfd = dir_open(AT_FDCWD, m->work, err)) < 0 || copy_sources(m, err) < 0 ||
	    copy_libcurl(m, err) < 0 || copy_licences(m, err) < 0 || compile(m, folders[AGENT], &agent, err) < 0 ||
	    compile(m, folders[LIB], &lib, err) < 0 || archive(m, &lib, err) < 0 || link_program(m, &agent, err) < 0 ||
	    check_program(m, err) < 0)
		return -1;
	return publish(m, err);
}

int toolchain_agent_make(const struct toolchain *t, const char *key, struct error *err)
{
	struct agent_build m = { .toolchain = t, .key = key, .link = lock_agent_link(t->lock), .workfd = -1 };
	int rc = make_program(&m, err);

	close_p(&m.workfd);
	free(m.work);
	return rc < 0 ? error_wrap(err, "compile " NAME) : 0;
}

/* The context of make_job(). */
struct agent_job {
	struct toolchain toolchain;
	const char *key;
};

/* Runs as a job, because the scratch is a mount in a private namespace. */
static int make_job(void *context, struct error *err)
{
	struct agent_job *j = context;

	if (toolchain_open(&j->toolchain, COMPILE_NEED, err) < 0)
		return -1;
	int rc = toolchain_agent_make(&j->toolchain, j->key, err);
	toolchain_close(&j->toolchain);
	return rc;
}

static int make_agent(const struct lock *lock, struct cache *cache, const char *key, struct error *err)
{
	struct agent_job j = { .toolchain = { .group = LOCK_TOOLCHAIN, .lock = lock, .cache = cache }, .key = key };
	CLEANUP(job_stop) struct job job = { 0 };

	if (job_start(&job, make_job, &j, err) < 0)
		return -1;
	return job_wait(&job, err);
}

int toolchain_agent(const struct lock *lock, struct cache *cache, char **ret_path, struct error *err)
{
	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
	char key[SHA256_HEX];

	if (toolchain_agent_key(lock, key, err) < 0 ||
	    cache_claim(cache, "artifacts", key, "nodekiln-agent", &claim, err) < 0)
		return -1;
	if (claim.needed && make_agent(lock, cache, key, err) < 0)
		return -1;
	*ret_path = xasprintf("%s/artifacts/%s", cache->path, key);
	return 0;
}
