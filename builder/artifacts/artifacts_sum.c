/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and flushes the staged files, in parallel. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/artifacts/artifacts.h"
#include "builder/job/workers.h"
#include "lib/file.h"
#include "lib/hash.h"

static struct artifact *find_summed(struct artifacts *o, const char *name)
{
	for (size_t i = 0; i < o->summed.n; i++)
		if (!strcmp(o->summed.at[i].name, name))
			return &o->summed.at[i];
	return NULL;
}

static bool is_unchanged(const struct artifact *file, const struct stat *st)
{
	return file->size == (uint64_t)st->st_size && file->changed.tv_sec == st->st_mtim.tv_sec &&
	       file->changed.tv_nsec == st->st_mtim.tv_nsec;
}

struct summed_file {
	int fd;      /* owned */
	size_t file; /* of artifacts->summed */
	bool failed;
	struct error err;
};

struct summing {
	struct artifacts *artifacts; /* borrowed */
	VEC(struct summed_file) sums;
	atomic_size_t next;
};

static void summing_done(struct summing *s)
{
	for (size_t i = 0; i < s->sums.n; i++)
		close_p(&s->sums.at[i].fd);
	vec_done(&s->sums);
}

static int add_sum(struct summing *s, const char *name, struct error *err)
{
	struct artifacts *o = s->artifacts;
	CLEANUP(close_p) int fd = openat(o->stagefd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct artifact *file = find_summed(o, name);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "open %s", name);
	if (file && is_unchanged(file, &st))
		return 0;
	if (!file) {
		vec_push(&o->summed, (struct artifact){ .name = xstrdup(name) });
		file = &o->summed.at[o->summed.n - 1];
	}
	file->size = (uint64_t)st.st_size;
	file->changed = st.st_mtim;
	vec_push(&s->sums, (struct summed_file){ .fd = TAKE_FD(fd), .file = (size_t)(file - o->summed.at) });
	return 0;
}

static int sum_file(struct artifact *file, int fd, struct error *err)
{
	if (fsync(fd) < 0)
		return error_errno(err, errno, "flush %s to the disk", file->name);
	return sha256_fd(fd, file->sha256, err) < 0 ? error_wrap(err, "%s", file->name) : 0;
}

static void sum_files(void *summing)
{
	struct summing *s = summing;

	for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->sums.n;) {
		struct summed_file *sum = &s->sums.at[i];
		sum->failed = sum_file(&s->artifacts->summed.at[sum->file], sum->fd, &sum->err) < 0;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct artifact *)a)->name, ((const struct artifact *)b)->name);
}

static int add_sums(struct summing *s, struct error *err)
{
	int fd = openat(s->artifacts->stagefd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "read %s", s->artifacts->stage);
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.' && add_sum(s, entry->d_name, err) < 0)
			return -1;
	return 0;
}

int artifacts_sum(struct artifacts *o, struct error *err)
{
	CLEANUP(summing_done) struct summing s = { .artifacts = o };

	if (add_sums(&s, err) < 0)
		return -1;
	workers_run(workers_size(0), sum_files, &s);
	for (size_t i = 0; i < s.sums.n; i++)
		if (s.sums.at[i].failed) {
			*err = s.sums.at[i].err;
			return -1;
		}
	if (o->summed.n > 1)
		qsort(o->summed.at, o->summed.n, sizeof *o->summed.at, compare);
	return 0;
}
