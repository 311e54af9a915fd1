/* SPDX-License-Identifier: Apache-2.0 */
/* Builds of a container from packages that the test makes: a shell, a dpkg that is a script, and a file for each layer. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "builder/pipeline/build.h"
#include "lib/job.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/restricted.h"
#include "tests/unit/tiny_guest.h"
#include "tests/unit/tree_bench.h"

#define EPOCH 1700000000

/* The packages of the three groups are in a bench's cache. */
struct site {
	struct tree_bench bench;
	struct tiny_guest tiny;
	char *out, *recipe; /* owned; paths */
	bool force, restricted;
};

static void put_package(struct site *s, const char *name, const char *architecture, const struct maker_member *data)
{
	CLEANUP(text_done) struct text deb = { 0 };
	CLEANUP(free_p) char *control = xasprintf("Package: %s\nVersion: 1.0\nArchitecture: %s\n", name, architecture);
	const struct maker_member members[] = { { .path = "./control", .content = control }, { 0 } };

	maker_deb(members, data, &deb);
	tree_bench_put(&s->bench, name, &deb);
	s->bench.packages.at[s->bench.packages.n - 1].architecture = (char *)architecture;
}

static void put_base(struct site *s)
{
	struct maker_member data[ARRAY_SIZE(s->tiny.file) + 5] = {
		{ .path = "./usr/bin/dpkg",
		  .content = "#!/bin/sh\necho configured >>/configured\n",
		  .mode = S_IFREG | 0755 },
		{ .path = "./usr/lib/os-release", .content = "ID=debian\n" },
		{ .path = "./etc/passwd", .content = "root:x:0:0:root:/root:/bin/sh\n" },
		{ .path = "./etc/hostname", .content = "builder\n" },
	};
	struct text bytes[ARRAY_SIZE(s->tiny.file)] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(s->tiny.file); i++) {
		tiny_guest_read(&s->tiny.file[i], &bytes[i]);
		data[i + 4] = (struct maker_member){ .path = s->tiny.file[i].guest,
						     .content = bytes[i].data,
						     .size = bytes[i].len,
						     .mode = S_IFREG | 0755 };
	}
	put_package(s, "tiny", "amd64", data);
	for (size_t i = 0; i < ARRAY_SIZE(s->tiny.file); i++)
		text_done(&bytes[i]);
}

static bool site_open(struct site *s)
{
	static const struct maker_member side[] = { { .path = "./usr/share/side", .content = "side" }, { 0 } };
	static const struct maker_member more[] = { { .path = "./usr/share/more", .content = "more" }, { 0 } };

	*s = (struct site){ 0 };
	tree_bench_open(&s->bench);
	if (!tiny_guest_find(&s->tiny))
		return false;
	put_base(s);
	put_package(s, "side", "all", side);
	put_package(s, "more", "all", more);
	s->out = xasprintf("%s/out", s->bench.path);
	s->recipe = xasprintf("%s/node.yaml", s->bench.path);
	fake_put(s->bench.path, "/overlay/etc/motd", "hello");
	fake_put(s->bench.path, "/agent/usr/bin/nodekiln-agent", "agent");
	fake_put(s->bench.path, "/node.yaml",
		 "distribution: {suite: bookworm}\noverlays: {lxc: [./overlay]}\npackages: {base: [tiny], extra: "
		 "[more]}\n"
		 "outputs: {qcow2: {enabled: false}, tarball: {compression: none}}\n");
	return true;
}

static void site_done(struct site *s)
{
	tree_bench_done(&s->bench);
	tiny_guest_done(&s->tiny);
	free(s->out);
	free(s->recipe);
}

static void add_to_lock(struct lock *lock, enum lock_group group, const struct lock_package *p)
{
	vec_push(&lock->group[group], (struct lock_package){ .name = xstrdup(p->name),
							     .version = xstrdup(p->version),
							     .architecture = xstrdup(p->architecture),
							     .url = xstrdup("http://mirror.example/x.deb"),
							     .sha256 = xstrdup(p->sha256),
							     .size = p->size,
							     .installed = 1 << 20 });
}

/* In a job: a build mounts its scratch directory. */
static int build(void *context, struct error *err)
{
	const struct site *s = context;
	const struct build_options options = { .out = s->out, .force = s->force, .scratch = SCRATCH_AUTO };
	CLEANUP(build_done) struct build b = { .options = &options, BUILD_EMPTY };

	b.started = time(NULL) - 1;
	b.epoch = EPOCH;
	if (s->restricted && restricted_enter(err) < 0)
		return -1;
	if (recipe_load(s->recipe, &b.recipe, err) < 0 || artifacts_open(s->out, b.recipe.name, &b.outputs, err) < 0 ||
	    cache_open(&b.cache, err) < 0)
		return -1;
	b.cache.offline = true;
	b.agent = xasprintf("%s/agent", s->bench.path);
	b.lock.recipe_digest = xstrdup("digest");
	add_to_lock(&b.lock, LOCK_BASE, &s->bench.packages.at[0]);
	add_to_lock(&b.lock, LOCK_LXC, &s->bench.packages.at[1]);
	add_to_lock(&b.lock, LOCK_EXTRA_LXC, &s->bench.packages.at[2]);
	return build_finish(&b, err);
}

static int run_build(struct site *s, struct error *err)
{
	CLEANUP(job_stop) struct job job = { 0 };

	if (job_start(&job, build, s, err) < 0)
		return -1;
	return job_wait(&job, err);
}

/* The content of a file of the container, NULL if it has none. */
static char *member(const struct site *s, const char *path)
{
	CLEANUP(free_p) char *file = xasprintf("%s/node.tar", s->out);
	CLEANUP(close_p) int fd = open(file, O_RDONLY | O_CLOEXEC);
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	const struct tar_entry *e;
	struct error err = { 0 };

	if (fd < 0 || tar_read_fd(fd, "node.tar", &r, &err) < 0)
		return NULL;
	while (tar_read_next(r, &e, &err) > 0) {
		CLEANUP(text_done) struct text text = { 0 };
		const void *block;
		size_t n;
		off_t offset;
		if (strcmp(e->path, path) != 0)
			continue;
		while (tar_read_data(r, &block, &n, &offset, &err) > 0)
			text_addn(&text, block, n);
		return text.len ? text_take(&text) : xstrdup("");
	}
	return NULL;
}

#define CHECK_MEMBER(s, path, want)                                                                                    \
	do {                                                                                                           \
		CLEANUP(free_p) char *member_ = member(s, path);                                                       \
		CHECK_STR(member_, want);                                                                              \
	} while (0)

static ino_t inode(const struct site *s, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf("%s/%s", s->out, name);
	struct stat st;

	return stat(file, &st) == 0 ? st.st_ino : 0;
}

static unsigned cached_trees(const struct site *s)
{
	CLEANUP(close_p) int fd = openat(s->bench.cache.fd, "trees", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(TAKE_FD(fd));
	const struct dirent *entry;
	unsigned n = 0;

	while (dir && (entry = readdir(dir)))
		n += text_ends(entry->d_name, ".tar.zst");
	return n;
}

TEST(build_finish_makes_a_container)
{
	CLEANUP(site_done) struct site s;
	struct error err = { 0 };

	if (!site_open(&s))
		SKIP("needs root, and the libraries of Debian amd64");
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	CHECK_MEMBER(&s, "./usr/share/side", "side");
	CHECK_MEMBER(&s, "./usr/share/more", "more");
	CHECK_MEMBER(&s, "./etc/motd", "hello");
	CHECK_MEMBER(&s, "./usr/bin/nodekiln-agent", "agent");
	/* Once in each layer of packages. */
	CHECK_MEMBER(&s, "./configured", "configured\nconfigured\nconfigured\n");
	CHECK_MEMBER(&s, "./etc/machine-id", "");
	CLEANUP(free_p) char *status = member(&s, "./var/lib/dpkg/status");
	CHECK(status && strstr(status, "Package: tiny\n") && strstr(status, "Package: side\n") &&
	      strstr(status, "Package: more\n"));
	CLEANUP(free_p) char *image = member(&s, "./etc/nodekiln/image.json");
	CHECK(image && strstr(image, "\"artifact\": \"lxc\""));
	CHECK(inode(&s, "node.manifest.json") && inode(&s, "node.spdx.json") && inode(&s, "SHA256SUMS"));
	CHECK(!inode(&s, "node.qcow2") && !inode(&s, ".node.stage"));
	CHECK(cached_trees(&s) == 3);
}

/* Equal inputs: nothing is done, unless it is forced or an artifact is missing; then every layer comes from the cache. */
TEST(build_finish_uses_what_there_is)
{
	CLEANUP(site_done) struct site s;
	struct error err = { 0 };

	if (!site_open(&s))
		SKIP("needs root, and the libraries of Debian amd64");
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	ino_t first = inode(&s, "node.tar");
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	CHECK(first && inode(&s, "node.tar") == first);
	s.force = true;
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	CHECK(inode(&s, "node.tar") != first);
	CHECK_MEMBER(&s, "./configured", "configured\nconfigured\nconfigured\n");
	CHECK(cached_trees(&s) == 3);
	s.force = false;
	CLEANUP(free_p) char *artifact = xasprintf("%s/node.tar", s.out);
	CHECK(truncate(artifact, 1) == 0);
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	CHECK_MEMBER(&s, "./usr/share/side", "side");
	CHECK(unlink(artifact) == 0);
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	CHECK_MEMBER(&s, "./usr/share/side", "side");
}

/* A failure of one layer ends the build, and nothing is published. */
TEST(build_finish_publishes_all_or_nothing)
{
	static const struct maker_member bad[] = { { .path = "./etc/passwd", .content = "of another package" }, { 0 } };
	CLEANUP(site_done) struct site s;
	struct error err = { 0 };

	if (!site_open(&s))
		SKIP("needs root, and the libraries of Debian amd64");
	put_package(&s, "bad", "all", bad);
	struct lock_package side = s.bench.packages.at[1];
	s.bench.packages.at[1] = s.bench.packages.at[3];
	s.bench.packages.at[3] = side;
	CHECK(run_build(&s, &err) < 0);
	CHECK(strstr(err.text, "/etc/passwd is in a package of the base"));
	CHECK(!inode(&s, "node.tar") && !inode(&s, "node.manifest.json"));
}

static bool container_digest(const struct site *s, char ret[SHA256_HEX])
{
	CLEANUP(free_p) char *path = xasprintf("%s/node.tar", s->out);
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct error err = { 0 };

	return fd >= 0 && sha256_fd(fd, ret, &err) == 0;
}

/* Cuts the n-th tree in the cache in half. False if there are fewer. */
static bool damage_tree(const struct site *s, unsigned n, char ret_name[256])
{
	CLEANUP(close_p) int fd = openat(s->bench.cache.fd, "trees", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(TAKE_FD(fd));
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (text_ends(entry->d_name, ".tar.zst") && n-- == 0) {
			snprintf(ret_name, 256, "%s", entry->d_name);
			CLEANUP(close_p) int file = openat(dirfd(dir), ret_name, O_RDWR | O_CLOEXEC);
			return fstat(file, &st) == 0 && ftruncate(file, st.st_size / 2) == 0;
		}
	return false;
}

/* Whichever layer it is, it is made again, and the container is the same. */
TEST(build_finish_replaces_damaged_layers)
{
	CLEANUP(site_done) struct site s;
	struct error err = { 0 };
	char name[256], first[SHA256_HEX], again[SHA256_HEX];
	struct stat before, after;

	if (!site_open(&s))
		SKIP("needs root, and the libraries of Debian amd64");
	s.force = true;
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	CHECK(container_digest(&s, first));
	for (unsigned n = 0; n < 3; n++) {
		CHECK(damage_tree(&s, n, name));
		CLEANUP(free_p) char *tree = xasprintf("trees/%s", name);
		CHECK(fstatat(s.bench.cache.fd, tree, &before, 0) == 0);
		CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
		CHECK(fstatat(s.bench.cache.fd, tree, &after, 0) == 0 && after.st_size > before.st_size);
		CHECK(cached_trees(&s) == 3 && container_digest(&s, again));
#ifndef COVERAGE_OBJECTS /* counters are written into the tree */
		CHECK_STR(again, first);
#endif
	}
}

/* An overlay that cannot be copied ends the build with the overlay's name. */
TEST(build_finish_reports_an_overlay)
{
	CLEANUP(site_done) struct site s;
	struct error err = { 0 };

	if (!site_open(&s))
		SKIP("needs root, and the libraries of Debian amd64");
	fake_put(s.bench.path, "/overlay/usr", "a file in the place of a directory");
	CHECK(run_build(&s, &err) < 0 && strstr(err.text, "replace /usr"));
	CHECK(!inode(&s, "node.tar"));
}

/* Archives of images are read before anything is made. */
TEST(build_finish_reads_image_archives)
{
	CLEANUP(site_done) struct site s;
	struct error err = { 0 };

	if (!site_open(&s))
		SKIP("needs root, and the libraries of Debian amd64");
	fake_put(s.bench.path, "/archive.tar", "not an archive");
	fake_put(s.bench.path, "/node.yaml",
		 "distribution: {suite: bookworm}\nruntime: containerd\npackages: {base: [containerd]}\nimages: "
		 "{archives: [./archive.tar]}\n"
		 "outputs: {qcow2: {enabled: false}, tarball: {compression: none}}\n");
	CHECK(run_build(&s, &err) < 0);
	CHECK(strstr(err.text, "/archive.tar: the archive is damaged"));
	CHECK(cached_trees(&s) == 0);
}

/* Copied trees and a chroot instead of mounts give the same bytes. */
TEST(build_finish_in_a_container)
{
	CLEANUP(site_done) struct site s;
	CLEANUP(text_done) struct text mounted = { 0 }, copied = { 0 };
	struct error err = { 0 };

	if (!site_open(&s))
		SKIP("needs root, and the libraries of Debian amd64");
	CLEANUP(free_p) char *artifact = xasprintf("%s/node.tar", s.out);
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	CHECK(file_read(AT_FDCWD, artifact, 64 << 20, &mounted, &err) == 0);
	s.force = s.restricted = true;
	CHECK_STR(run_build(&s, &err) < 0 ? err.text : "", "");
	CHECK(file_read(AT_FDCWD, artifact, 64 << 20, &copied, &err) == 0);
#ifndef COVERAGE_OBJECTS /* counters are written into the tree */
	CHECK(mounted.len == copied.len && memcmp(mounted.data, copied.data, copied.len) == 0);
#endif
	/* Layers on top of the base are kept apart, by the kind of their stack. */
	CHECK(cached_trees(&s) == 5);
}

/* What build_run() finds before it asks the network. */
TEST(build_run_checks_its_inputs)
{
	static const char missing[] = "distribution: {suite: bookworm}\noverlays: {lxc: [./missing]}\n";
	FAKE_ROOT();

	CLEANUP(free_p) char *recipe = xasprintf("%s/node.yaml", path);
	CLEANUP(free_p) char *out = xasprintf("%s/out", path);
	CLEANUP(free_p) char *cache = xasprintf("%s/cache", path);
	CLEANUP(free_p) char *lock = xasprintf("%s/lock.json", path);
	const struct build_options options = { .recipe = recipe, .out = out, .lock = lock, .offline = true };
	static const char *const epochs[] = { "x", "-1", "1x", "", "99999999999999999999", "99999999999" };

	CLEANUP(free_p) char *key = xasprintf("%s/cache.key", path);
	setenv("NODEKILN_CACHE", cache, 1);
	setenv("NODEKILN_CACHE_KEY", key, 1);
	for (size_t i = 0; i < ARRAY_SIZE(epochs); i++) {
		setenv("SOURCE_DATE_EPOCH", epochs[i], 1);
		CHECK(build_run(&options, &err) < 0 && err.class == ERROR_USAGE);
		CHECK(text_starts(err.text, "SOURCE_DATE_EPOCH"));
	}
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	CHECK(build_run(&options, &err) < 0 && strstr(err.text, "node.yaml"));
	fake_put(path, "/node.yaml", missing);
	CHECK(build_run(&options, &err) < 0 && err.class == ERROR_INPUT && strstr(err.text, "missing"));
	fake_put(path, "/node.yaml", "distribution: {suite: bookworm}\n");
	CHECK(build_run(&options, &err) < 0 && strstr(err.text, "lock.json"));
	unsetenv("SOURCE_DATE_EPOCH");
	FAKE_ROOT_END();
}
