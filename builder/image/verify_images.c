/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the images that image.json lists as preloaded are in the runtime's store. */
#include <string.h>

#include "builder/image/verify.h"
#include "lib/alloc.h"
#include "lib/text.h"

#define STORE_MAX (64 << 20)

static int read_store(struct verify *v, const char *path, struct text *ret, struct error *err)
{
	const struct image_entry *e;
	int found = image_stat(v->image, path, &e, err);

	return found <= 0 ? found : image_read(v->image, path, STORE_MAX, ret, err);
}

static void lacks(struct verify *v, const char *name, const char *runtime)
{
	faults_add(&v->faults, FAULT_CONTAINER_IMAGE, NULL,
		   "the image %s is listed as preloaded, but %s's store lacks it", name, runtime);
}

/* Image names are keys of containerd's database, which stores keys verbatim (bbolt). */
static int check_containerd(struct verify *v, const struct json *images, struct error *err)
{
	CLEANUP(text_done) struct text store = { 0 };

	if (read_store(v, VERIFY_CONTAINERD_STORE, &store, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(images); i++) {
		const char *name = json_as_string(json_at(images, i));
		if (name && (!store.len || !memmem(store.data, store.len, name, strlen(name))))
			lacks(v, name, "containerd");
	}
	return 0;
}

/* {"Repositories": {"REPOSITORY": {"REPOSITORY:TAG": "sha256:ID"}}}; NULL when it has no such name. */
static const char *docker_id(const struct json *store, const char *name)
{
	const char *colon = strrchr(name, ':');
	CLEANUP(free_p) char *repository = colon ? xstrndup(name, (size_t)(colon - name)) : xstrdup(name);

	return json_get_string(json_get(json_get(store, "Repositories"), repository), name);
}

static int check_docker_image(struct verify *v, const struct json *store, const char *name, struct error *err)
{
	const char *id = docker_id(store, name);
	const struct image_entry *e;

	if (!id || !text_starts(id, "sha256:")) {
		lacks(v, name, "Docker");
		return 0;
	}
	CLEANUP(free_p)
	char *config = xasprintf(VERIFY_DOCKER_STORE "/imagedb/content/sha256/%s", id + strlen("sha256:"));
	int found = image_stat(v->image, config, &e, err);
	if (found == 0)
		lacks(v, name, "Docker");
	if (found < 0)
		return -1;
	return 0;
}

static int check_docker(struct verify *v, const struct json *images, struct error *err)
{
	static const char file[] = VERIFY_DOCKER_STORE "/repositories.json";
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *store = NULL;
	struct error broken = { 0 };

	if (read_store(v, file, &text, err) < 0)
		return -1;
	if (text.len && json_parse(file, text.data, text.len, &store, &broken) < 0)
		faults_add(&v->faults, FAULT_CONTAINER_IMAGE, NULL, "%s", broken.text);
	for (size_t i = 0; i < json_count(images); i++) {
		const char *name = json_as_string(json_at(images, i));
		if (name && check_docker_image(v, store, name, err) < 0)
			return -1;
	}
	return 0;
}

int verify_images(struct verify *v, struct error *err)
{
	const struct json *images = v->about ? json_get(v->about, "images") : NULL;

	if (json_count(images) == 0)
		return 0;
	return text_same(json_get_string(v->about, "runtime"), "docker") ? check_docker(v, images, err)
									 : check_containerd(v, images, err);
}
