/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an image that anybody made, as verify, inspect and diff read them: Docker's store, dpkg's database, accounts, units, image.json.
 * The input is the files, each a line with its path and then its content, divided by bytes 1. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/image/diff.h"
#include "builder/image/inspect.h"
#include "builder/image/verify.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define FILES_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static int add_parents(struct tar_writer *w, const char *path, struct strings *known)
{
	struct error err = { 0 };

	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		CLEANUP(free_p) char *parent = xstrndup(path, (size_t)(slash - path));
		const struct tar_entry e = { .path = parent, .mode = S_IFDIR | 0755 };
		if (!*parent || strings_has(known, parent))
			continue;
		strings_add(known, parent);
		if (tar_write_entry(w, &e, &err) < 0)
			return -1;
	}
	return 0;
}

/* "etc/passwd", "etc/" for a directory, "bin@usr/bin" for a symbolic link. */
static int add_file(struct tar_writer *w, char *file, struct strings *known)
{
	char *content = strchr(file, '\n'), *end = file + strcspn(file, "@\n");
	const char *target = *end == '@' ? end + 1 : NULL;
	struct error err = { 0 };

	if (content)
		*content++ = '\0';
	*end = '\0';
	CLEANUP(free_p) char *path = xasprintf("./%s", file);
	if (add_parents(w, path, known) < 0 || text_ends(path, "/"))
		return 0;
	const struct tar_entry e = {
		.path = path,
		.target = target,
		.mode = target ? S_IFLNK | 0777 : S_IFREG | 0644,
		.size = content && !target ? strlen(content) : 0,
	};
	return tar_write_entry(w, &e, &err) < 0 || (e.size && tar_write_data(w, content, e.size, &err) < 0) ? -1 : 0;
}

static int make_image(char *files, int fd)
{
	CLEANUP(tar_writer_free_p) struct tar_writer *w = NULL;
	CLEANUP(strings_done) struct strings known = { 0 };
	struct error err = { 0 };
	size_t n = 0;

	need(tar_write_fd(fd, COMPRESSION_NONE, 0, &w, &err) == 0);
	for (char *file; n < FILES_MAX && (file = strsep(&files, "\1")); n++)
		if (*file && add_file(w, file, &known) < 0)
			return -1;
	return tar_write_end(w, &err);
}

static void check_faults(const struct faults *faults)
{
	CLEANUP(json_free_p) struct json *json = faults_json(faults), *log = NULL;
	struct json *results = json_array();

	need(json_count(json) == faults->list.n);
	faults_sarif_results(faults, "fuzz", results);
	need(json_count(results) == faults->list.n);
	log = faults_sarif_log(results);
}

static void verify(const char *path)
{
	static const struct verify_options options = { 0 };
	CLEANUP(verify_done) struct verify v = { 0 };
	struct error err = { 0 };

	if (verify_open(path, &options, &v, &err) < 0 || verify_load(&v, &err) < 0)
		need(*err.text);
	else
		check_faults(&v.faults);
}

static void inspect(const char *path)
{
	CLEANUP(inspection_done) struct inspection i = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	if (inspect_open(path, &i, &err) < 0 || inspect_load(&i, &err) < 0) {
		need(*err.text);
		return;
	}
	CLEANUP(json_free_p) struct json *json = inspection_json(&i);
	json_print(json, false, &text);
	inspection_print(&i, &text);
}

/* With itself, so that nothing differs. */
static void diff(const char *path)
{
	CLEANUP(diff_source_done) struct diff_source source = { 0 };
	CLEANUP(diff_list_done) struct diff_list list = { 0 };
	CLEANUP(diff_done) struct diff none = { 0 };
	struct error err = { 0 };

	if (diff_open(path, &source, &err) < 0 || diff_load(&source, &list, &err) < 0) {
		need(*err.text);
		return;
	}
	diff_sort(&list);
	diff_compare(&list, &list, &none);
	need(!none.changes.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *files = xstrndup((const char *)data, size);
	CLEANUP(close_p) int fd = memfd_create("image", MFD_CLOEXEC);
	CLEANUP(free_p) char *path = xasprintf("/proc/self/fd/%d", fd);

	need(fd >= 0);
	if (make_image(files, fd) < 0)
		return 0;
	verify(path);
	inspect(path);
	diff(path);
	return 0;
}
