/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the images in an archive: docker's manifest.json, or an OCI layout's index.json (OCI image-spec,
 * image-layout.md; containerd writes full names as io.containerd.image.name). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/oci/container_images.h"
#include "lib/file.h"
#include "lib/json.h"

#define INDEX_MAX (4u << 20)

static void add_once(struct strings *ret, const char *name)
{
	if (name && !strings_has(ret, name))
		strings_add(ret, name);
}

static void docker_names(const struct json *manifest, struct strings *ret)
{
	for (size_t i = 0; i < json_count(manifest); i++) {
		const struct json *tags = json_get(json_at(manifest, i), "RepoTags");
		for (size_t t = 0; t < json_count(tags); t++)
			add_once(ret, json_as_string(json_at(tags, t)));
	}
}

static void oci_names(const struct json *index, struct strings *ret)
{
	const struct json *manifests = json_get(index, "manifests");

	for (size_t i = 0; i < json_count(manifests); i++) {
		const struct json *notes = json_get(json_at(manifests, i), "annotations");
		const char *full = notes ? json_get_string(notes, "io.containerd.image.name") : NULL;
		add_once(ret, full || !notes ? full : json_get_string(notes, "org.opencontainers.image.ref.name"));
	}
}

/* `docker load` reads only its own manifest.json. */
static const struct {
	const char *member;
	bool docker;
	void (*names)(const struct json *json, struct strings *ret);
} indices[] = {
	{ "manifest.json", true, docker_names },
	{ "index.json", false, oci_names },
};

static int read_member(struct tar_reader *reader, const struct tar_entry *entry, struct text *ret, struct error *err)
{
	const void *block;
	off_t offset;
	size_t n;
	int rc;

	if (entry->size > INDEX_MAX)
		return error_set(err, ERROR_INPUT, "%s is larger than the limit of %s", entry->path,
				 text_bytes(INDEX_MAX));
	while ((rc = tar_read_data(reader, &block, &n, &offset, err)) > 0)
		text_addn(ret, block, n);
	return rc;
}

static int read_index(struct tar_reader *reader, const struct tar_entry *entry, enum runtime runtime,
		      struct strings *ret, struct error *err)
{
	const char *name = text_starts(entry->path, "./") ? entry->path + 2 : entry->path;

	for (size_t i = 0; i < ARRAY_SIZE(indices); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		CLEANUP(json_free_p) struct json *json = NULL;
		if (strcmp(name, indices[i].member) != 0 || (runtime == RUNTIME_DOCKER && !indices[i].docker))
			continue;
		if (read_member(reader, entry, &text, err) < 0 ||
		    json_parse(name, text.len ? text.data : "", text.len, &json, err) < 0)
			return -1;
		indices[i].names(json, ret);
	}
	return 0;
}

int container_images_names(const char *archive, enum runtime runtime, struct strings *ret, struct error *err)
{
	CLEANUP(close_p) int fd = open(archive, O_RDONLY | O_CLOEXEC);
	CLEANUP(tar_reader_free_p) struct tar_reader *reader = NULL;
	const struct tar_entry *entry;
	size_t before = ret->n;
	int rc;

	if (fd < 0)
		return error_errno(err, errno, "open %s", archive);
	if (tar_read_fd(fd, archive, &reader, err) < 0)
		return -1;
	while ((rc = tar_read_next(reader, &entry, err)) > 0)
		if (read_index(reader, entry, runtime, ret, err) < 0)
			return error_wrap(err, "%s", archive);
	if (rc == 0 && ret->n == before)
		return error_set(err, ERROR_INPUT, "%s names no image; give an archive as `docker save`%s", archive,
				 runtime == RUNTIME_DOCKER ? " writes it" : " or `ctr images export` write it");
	return rc;
}
