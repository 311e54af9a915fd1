/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/oci/oci.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/archive/tarball.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/hash.h"

#define COPY_CHUNK (256 * 1024)
#define BLOBS "blobs/sha256"

/* An image layout that is being written. */
struct layout {
	int fd; /* borrowed; the directory */
	struct json *manifests, *docker;
};

/* Renames the finished temporary file to its digest. */
static int blob_finish(int dirfd, const char *temporary, int fd, struct oci_blob *ret, struct error *err)
{
	char hex[SHA256_HEX], path[sizeof BLOBS + SHA256_HEX];
	struct stat st;

	if (sha256_fd(fd, hex, err) < 0)
		return -1;
	snprintf(path, sizeof path, BLOBS "/%s", hex);
	if (fstat(fd, &st) < 0 || renameat(dirfd, temporary, dirfd, path) < 0)
		return error_errno(err, errno, "store image blob %s", path);
	snprintf(ret->digest, sizeof ret->digest, "sha256:%s", hex);
	ret->size = st.st_size;
	return 0;
}

static int blob_json(const struct layout *l, const struct json *document, struct oci_blob *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(close_p) int fd = openat(l->fd, "blob", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	json_print(document, false, &text);
	if (fd < 0 || write_all(fd, text.data, text.len) < 0)
		return error_errno(err, errno, "write an image's document");
	return blob_finish(l->fd, "blob", fd, ret, err);
}

static int layer_of_tree(const struct layout *l, const struct oci_image *image, struct oci_blob *ret, struct error *err)
{
	CLEANUP(close_p) int fd = openat(l->fd, "blob", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CLEANUP(close_p) int root = dir_open(AT_FDCWD, image->base, err);
	struct tarball tarball = {
		.rootfd = root,
		.compression = COMPRESSION_NONE,
		.newest = image->epoch,
		.leave_out = image->base_without,
	};

	if (root < 0)
		return -1;
	if (fd < 0)
		return error_errno(err, errno, "create an image's layer");
	if (tarball_write(&tarball, fd, NULL, err) < 0)
		return -1;
	return blob_finish(l->fd, "blob", fd, ret, err);
}

static int add_directory(struct tar_writer *w, const char *path, mode_t mode, int64_t epoch, struct error *err)
{
	return tar_write_entry(w, &(struct tar_entry){ .path = path, .mode = S_IFDIR | mode, .mtime = epoch }, err);
}

/* Adds "./" and every parent directory of path. */
static int add_parents(struct tar_writer *w, const char *path, int64_t epoch, struct error *err)
{
	if (add_directory(w, "./", 0755, epoch, err) < 0)
		return -1;
	for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
		CLEANUP(free_p) char *parent = xasprintf(".%.*s/", (int)(slash - path), path);
		if (add_directory(w, parent, 0755, epoch, err) < 0)
			return -1;
	}
	return 0;
}

static int add_content(struct tar_writer *w, int program, struct error *err)
{
	CLEANUP(free_p) char *buffer = xmalloc(COPY_CHUNK);

	for (;;) {
		ssize_t n = read(program, buffer, COPY_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "read a program for its image");
		if (n == 0)
			return 0;
		if (tar_write_data(w, buffer, (size_t)n, err) < 0)
			return -1;
	}
}

/* Even an image without a base needs /tmp: klog and the API server's self-signed certificates are written there. */
static int add_program(struct tar_writer *w, const struct oci_image *image, int program, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf(".%s", image->program_path);
	struct tar_entry entry = { .path = path, .mode = S_IFREG | 0755, .mtime = image->epoch };
	struct stat st;

	if (fstat(program, &st) < 0)
		return error_errno(err, errno, "stat %s", image->program);
	entry.size = (uint64_t)st.st_size;
	if (add_parents(w, image->program_path, image->epoch, err) < 0 ||
	    add_directory(w, "./tmp/", 01777, image->epoch, err) < 0 || tar_write_entry(w, &entry, err) < 0 ||
	    add_content(w, program, err) < 0)
		return -1;
	return tar_write_end(w, err);
}

static int layer_of_program(const struct layout *l, const struct oci_image *image, struct oci_blob *ret,
			    struct error *err)
{
	CLEANUP(close_p) int fd = openat(l->fd, "blob", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CLEANUP(close_p) int program = open(image->program, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP(tar_writer_free_p) struct tar_writer *w = NULL;

	if (fd < 0)
		return error_errno(err, errno, "create an image's layer");
	if (program < 0)
		return error_errno(err, errno, "open %s", image->program);
	if (tar_write_fd(fd, COMPRESSION_NONE, 0, &w, err) < 0 || add_program(w, image, program, err) < 0)
		return -1;
	return blob_finish(l->fd, "blob", fd, ret, err);
}

/* A tree that an earlier image has as its base is the same layer again. */
static const struct oci_blob *known_base(const struct oci_image *images, size_t n, const struct oci_blob *bases)
{
	for (size_t i = 0; i < n; i++)
		if (images[i].base && text_same(images[i].base, images[n].base) &&
		    images[i].base_without == images[n].base_without)
			return &bases[i];
	return NULL;
}

static int add_image(struct layout *l, const struct oci_image *image, const struct oci_blob *layer, size_t layers,
		     struct error *err)
{
	CLEANUP(json_free_p) struct json *config_json = oci_config(image, layer, layers);
	struct oci_blob config, manifest;

	if (blob_json(l, config_json, &config, err) < 0)
		return -1;
	CLEANUP(json_free_p) struct json *manifest_json = oci_manifest(&config, layer, layers);
	if (blob_json(l, manifest_json, &manifest, err) < 0)
		return -1;
	json_push(l->manifests, oci_index_entry(image, &manifest));
	json_push(l->docker, oci_docker_entry(image, &config, layer, layers));
	return 0;
}

/* bases[i] is filled for images with a base. */
static int lay_out_image(struct layout *l, const struct oci_image *images, size_t i, struct oci_blob *bases,
			 struct error *err)
{
	const struct oci_blob *known = known_base(images, i, bases);
	struct oci_blob layer[OCI_LAYERS_MAX];
	size_t layers = 0;

	if (images[i].base) {
		if (known)
			bases[i] = *known;
		else if (layer_of_tree(l, &images[i], &bases[i], err) < 0)
			return -1;
		layer[layers++] = bases[i];
	}
	if (images[i].program && layer_of_program(l, &images[i], &layer[layers++], err) < 0)
		return -1;
	return add_image(l, &images[i], layer, layers, err);
}

static int write_document(const struct layout *l, const char *name, const struct json *document, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	json_print(document, false, &text);
	return file_write(l->fd, name, text.data, text.len, 0644, err);
}

/* Both lists end up in the layout; the JSON objects that they were added to own them. */
static int write_documents(struct layout *l, struct error *err)
{
	CLEANUP(json_free_p) struct json *index = json_object();
	CLEANUP(json_free_p) struct json *version = json_object();

	json_put_int(index, "schemaVersion", 2);
	json_put(index, "manifests", TAKE(l->manifests));
	json_put_string(version, "imageLayoutVersion", "1.0.0");
	if (write_document(l, "index.json", index, err) < 0 || write_document(l, "oci-layout", version, err) < 0)
		return -1;
	return write_document(l, "manifest.json", l->docker, err);
}

static void layout_done(struct layout *l)
{
	json_free(l->manifests);
	json_free(l->docker);
}

static int lay_out(int fd, const struct oci_image *images, size_t n, struct error *err)
{
	CLEANUP(layout_done) struct layout l = { .fd = fd, .manifests = json_array(), .docker = json_array() };
	CLEANUP(free_p) struct oci_blob *bases = xcalloc(n + 1, sizeof *bases);

	if (dir_make(fd, BLOBS, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (lay_out_image(&l, images, i, bases, err) < 0)
			return error_wrap(err, "image %s", images[i].reference);
	return write_documents(&l, err);
}

int oci_write(const struct oci_image *images, size_t n, const char *scratch, int fd, struct error *err)
{
	CLEANUP(close_p) int dirfd = dir_open(AT_FDCWD, scratch, err);
	struct tarball archive = { .rootfd = dirfd,
				   .compression = COMPRESSION_NONE,
				   .newest = n ? images[0].epoch : 0 };

	if (dirfd < 0 || lay_out(dirfd, images, n, err) < 0)
		return -1;
	return tarball_write(&archive, fd, NULL, err);
}
