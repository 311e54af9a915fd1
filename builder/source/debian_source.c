/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/debian_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cache/cache_claim.h"
#include "builder/lock/lock_fetch.h"
#include "builder/sandbox/rootless.h"
#include "builder/source/control_plane_images.h"
#include "builder/source/kubernetes_compile.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/job.h"

/* Raise when the same source gives other artifacts. */
#define FORMAT "2"
/* Space in the scratch for Go's cache and temporary files, the source, and the images twice; measured: 3.4 GiB. */
#define COMPILE_NEED (4500ull << 20)
#define ARCHIVE "images/control-plane.tar"
#define REFERENCES "images/references"
#define REFERENCES_MAX 65536

/* One build of the artifacts. */
struct debian_build {
	const struct recipe *recipe;
	const struct toolchain *toolchain;
	struct kubernetes_compile compile;
	const char *key;
};

void debian_source_key(const struct recipe *recipe, const struct lock *lock, char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	const struct lock_source *source = lock_source(lock, COMPONENT_KUBERNETES);
	char group[SHA256_HEX];

	hash_field(h, "artifacts", COMPONENT_KUBERNETES);
	hash_field(h, "format", FORMAT);
	hash_field(h, "version", lock->kubernetes_version);
	hash_field(h, "architecture", recipe->architecture);
	for (size_t i = 0; source && i < source->files.list.n; i++)
		hash_field(h, "source", source->files.list.at[i].sha256);
	lock_group_digest(lock, LOCK_TOOLCHAIN, group);
	hash_field(h, "toolchain", group);
	lock_group_digest(lock, LOCK_IMAGE, group);
	hash_field(h, "images", recipe->images.control_plane ? group : NULL);
	hash_hex(h, ret_hex);
}

/* Programs of the source package have run in the work directory: no link is followed there. */
static int copy_program(const struct debian_build *m, int outfd, const char *name, struct error *err)
{
	CLEANUP(free_p) char *from = xasprintf(COMPILE_BIN "/%s", name);
	CLEANUP(free_p) char *to = xasprintf("bin/%s", name);
	CLEANUP(close_p) int in = file_open_in(m->compile.workfd, from, O_RDONLY | O_NOFOLLOW, 0);
	CLEANUP(close_p) int out = openat(outfd, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	if (in < 0 || out < 0)
		return error_errno(err, errno, "copy the compiled %s into the cache", name);
	return copy_all(in, out, err);
}

static int copy_control_plane(const struct debian_build *m, char **ret_directory, struct error *err)
{
	CLEANUP(strings_done) struct strings programs = { 0 };

	control_plane_images_programs(&programs);
	if (scratch_directory(&m->toolchain->scratch, "programs", ret_directory, err) < 0)
		return -1;
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, *ret_directory, err);
	if (fd < 0 || dir_make(fd, "bin", 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < programs.n; i++)
		if (copy_program(m, fd, programs.at[i], err) < 0)
			return -1;
	return 0;
}

static int write_images(const struct debian_build *m, int outfd, struct error *err)
{
	CLEANUP(free_p) char *scratch = NULL, *copies = NULL;
	CLEANUP(strings_done) struct strings references = { 0 };
	CLEANUP(text_done) struct text list = { 0 };
	CLEANUP(close_p) int fd = openat(outfd, ARCHIVE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct control_plane c = {
		.lock = m->toolchain->lock,
		.cache = m->toolchain->cache,
		.architecture = m->recipe->architecture,
		.references = &m->compile.references,
		.epoch = m->compile.epoch,
	};

	if (fd < 0)
		return error_errno(err, errno, "create " ARCHIVE " in the cache");
	if (scratch_directory(&m->toolchain->scratch, "images", &scratch, err) < 0 ||
	    copy_control_plane(m, &copies, err) < 0)
		return -1;
	CLEANUP(free_p) char *programs = xasprintf("%s/bin", copies);
	c.scratch = scratch;
	c.programs = programs;
	if (control_plane_images_write(&c, fd, &references, err) < 0)
		return -1;
	for (size_t i = 0; i < references.n; i++)
		text_addf(&list, "%s\n", references.at[i]);
	return file_write(outfd, REFERENCES, list.data, list.len, 0644, err);
}

static int write_artifacts(const struct debian_build *m, int outfd, struct error *err)
{
	if (dir_make(outfd, "bin", 0755, err) < 0 || dir_make(outfd, "images", 0755, err) < 0)
		return -1;
	for (size_t i = 0; kubernetes_compile_node_programs[i]; i++)
		if (copy_program(m, outfd, kubernetes_compile_node_programs[i], err) < 0)
			return -1;
	return m->recipe->images.control_plane ? write_images(m, outfd, err) : 0;
}

static int publish(const struct debian_build *m, struct error *err)
{
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int fd = -1;

	if (cache_scratch(m->toolchain->cache, &scratch, &fd, err) < 0 || write_artifacts(m, fd, err) < 0)
		return -1;
	return cache_publish(m->toolchain->cache, scratch, "artifacts", m->key, err);
}

int debian_source_compile(const struct recipe *recipe, const struct toolchain *t, const char *key, struct error *err)
{
	struct debian_build m = { .recipe = recipe, .toolchain = t, .key = key };
	int rc = -1;

	m.compile = (struct kubernetes_compile){
		.toolchain = t,
		.lock = t->lock,
		.source = lock_source(t->lock, COMPONENT_KUBERNETES),
		.control_plane = recipe->images.control_plane,
	};
	if (kubernetes_compile_open(&m.compile, err) == 0 && kubernetes_compile_run(&m.compile, err) == 0)
		rc = publish(&m, err);
	kubernetes_compile_close(&m.compile);
	return rc;
}

/* The context of make_job(). */
struct debian_job {
	const struct recipe *recipe;
	struct toolchain toolchain;
	const char *key;
};

/* Runs as a job, because the scratch is a mount in a private namespace. */
static int make_job(void *context, struct error *err)
{
	struct debian_job *j = context;

	if (toolchain_open(&j->toolchain, COMPILE_NEED, err) < 0)
		return -1;
	int rc = debian_source_compile(j->recipe, &j->toolchain, j->key, err);
	toolchain_close(&j->toolchain);
	return rc;
}

static int make_artifacts(struct debian_job *j, struct error *err)
{
	const struct lock *lock = j->toolchain.lock;
	const struct lock_source *source = lock_source(lock, COMPONENT_KUBERNETES);
	struct cache *cache = j->toolchain.cache;
	CLEANUP(job_stop) struct job job = { 0 };

	if (!source)
		return error_set(err, ERROR_INPUT, "the lock has no source of Kubernetes; run `nodekiln lock` again");
	if (lock_fetch_source(source, cache, err) < 0 || lock_fetch_packages(lock, LOCK_IMAGE, cache, err) < 0 ||
	    job_start(&job, make_job, j, err) < 0)
		return -1;
	return job_wait(&job, err);
}

/* Go's tools need a complete /proc, to find themselves and to examine the machine. */
static int refuse_confined(const struct toolchain *t, struct error *err)
{
	if (!rootless_restricted())
		return 0;
	return error_set(
		err, ERROR_HOST,
		"Kubernetes %s must be compiled, which needs CAP_SYS_ADMIN or user namespaces; this environment has "
		"neither. Build the recipe once with the same settings where they exist and keep the cache (%s), or "
		"use another "
		"kubernetes.source",
		t->lock->kubernetes_version, t->cache->path);
}

/* Programs that are not compiled for nodes would be missing in the tree. */
static int check_programs(const struct component *c, struct error *err)
{
	for (size_t i = 0; i < c->programs.n; i++) {
		const struct component_program *p = &c->programs.at[i];
		bool known = !p->path;

		for (const char *const *name = kubernetes_compile_node_programs; *name && !known; name++)
			known = strcmp(*name, p->name) == 0;
		if (!known)
			return error_set(err, ERROR_INPUT,
					 "component %s: debian-source installs kubelet, kubeadm and kubectl, not %s; "
					 "remove its path in %s, or choose another source",
					 c->name, p->name, c->file);
	}
	return 0;
}

int debian_source_make(const struct recipe *recipe, const struct component *c, const struct lock *lock,
		       struct cache *cache, void (*line)(void *context, const char *line), void *context,
		       char **ret_directory, struct error *err)
{
	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
	struct debian_job j = { .recipe = recipe };
	char key[SHA256_HEX];

	j.toolchain = (struct toolchain){
		.group = LOCK_TOOLCHAIN, .lock = lock, .cache = cache, .line = line, .line_context = context
	};
	j.key = key;
	if (check_programs(c, err) < 0)
		return -1;
	debian_source_key(recipe, lock, key);
	if (cache_claim(cache, "artifacts", key, c->name, &claim, err) < 0 ||
	    (claim.needed && (refuse_confined(&j.toolchain, err) < 0 || make_artifacts(&j, err) < 0)))
		return -1;
	*ret_directory = xasprintf("%s/artifacts/%s", cache->path, key);
	return 0;
}

/* Reads the list that write_images() stored next to the archive. */
int debian_source_images(const struct recipe *recipe, const char *directory, struct strings *ret_archives,
			 struct strings *ret_references, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s/" REFERENCES, directory);
	CLEANUP(text_done) struct text list = { 0 };

	if (!recipe->images.control_plane)
		return 0;
	if (file_read(AT_FDCWD, name, REFERENCES_MAX, &list, err) < 0)
		return -1;
	char *rest = list.data, *line;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			strings_add(ret_references, line);
	strings_addf(ret_archives, "%s/" ARCHIVE, directory);
	return 0;
}
