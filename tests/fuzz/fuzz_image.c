/* SPDX-License-Identifier: Apache-2.0 */
/* A file that calls itself an image or an archive of container images: as a whole, what its members say of themselves included. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/image/image_reader.h"
#include "builder/oci/container_images.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define READ_MAX (1u << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* All that can be wanted, by the name's length. */
static enum image_want want(const struct image_entry *e)
{
	static const enum image_want all[] = { IMAGE_KEEP, IMAGE_DIGEST, IMAGE_SKIP };

	return all[strlen(e->path) % ARRAY_SIZE(all)];
}

/* Entries are absolute and in order, each once, and none leads elsewhere. */
static int check_entry(void *context, const struct image_entry *e, struct error *err UNUSED)
{
	const char **last = context;

	need(*e->path == '/' && !strstr(e->path, "//") && !strstr(e->path, "/../") && !text_ends(e->path, "/.."));
	need(!*last || strcmp(*last, e->path) < 0);
	need(!S_ISLNK(e->mode) == !e->link);
	*last = e->path;
	return 0;
}

static int read_entry(void *context, const struct image_entry *e, struct error *err UNUSED)
{
	struct image *image = context;
	CLEANUP(text_done) struct text text = { 0 };
	char hex[SHA256_HEX];
	struct error why = { 0 };
	const struct image_entry *found;

	if (image_follow(image, e->path, &found, &why) < 0)
		need(*why.text);
	if (!S_ISREG(e->mode) || e->size > READ_MAX)
		return 0;
	if (image_read_part(image, e, 1, READ_MAX, &text, &why) < 0)
		need(*why.text);
	need(text.len <= e->size);
	if (image_content_digest(image, e, hex, &why) < 0)
		need(*why.text);
	return 0;
}

static void use_image(const char *path)
{
	static const char *const paths[] = { "/", "", "..", "/etc/os-release", "/a/b/../c", "/etc/../../etc/shadow" };
	CLEANUP(image_close_p) struct image *image = NULL;
	const struct image_entry *e;
	const char *last = NULL;
	struct error err = { 0 };

	if (image_open(path, &image, &err) < 0 || image_load(image, want, &err) < 0) {
		need(*err.text);
		return;
	}
	need(image_walk(image, check_entry, &last, &err) == 0 && image_walk(image, read_entry, image, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		if (image_follow(image, paths[i], &e, &err) < 0 ||
		    image_read(image, paths[i], READ_MAX, &text, &err) < 0)
			need(*err.text);
	}
}

static void use_container_images(const char *path, enum runtime runtime)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	if (container_images_names(path, runtime, &names, &err) < 0)
		need(*err.text);
	else
		need(names.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(close_p) int fd = memfd_create("image", MFD_CLOEXEC);
	CLEANUP(free_p) char *path = xasprintf("/proc/self/fd/%d", fd);

	need(fd >= 0 && write_all(fd, data, size) == 0);
	use_image(path);
	use_container_images(path, RUNTIME_CONTAINERD);
	use_container_images(path, RUNTIME_DOCKER);
	return 0;
}
