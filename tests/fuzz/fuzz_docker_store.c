/* SPDX-License-Identifier: Apache-2.0 */
/* The store that an image's own dockerd wrote: on each line a layer, "CHAIN ID LINK LOWER", whose directory has the line's number, and a
 * space is a byte 1 in it. Nothing outside of the store changes, and a store that is accepted has only derived names. */
#include <stdint.h>
#include <string.h>

#include "builder/oci/container_images_engine.h"
#include "tests/fuzz/canary.h"

#define LAYERS_MAX 4
#define NAME_LEN 64 /* a digest in hex */
#define LAYERDB "image/overlay2/layerdb/sha256"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(int store, const char *directory, const char *name, const char *content)
{
	CLEANUP(free_p) char *path = xasprintf("%s/%s", directory, name);
	struct error err = { 0 };

	need(file_write(store, path, content, strlen(content), 0644, &err) == 0);
}

static bool is_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/') && strlen(s) <= NAME_LEN;
}

/* false: it has no name that dockerd could give. */
static bool add_layer(int store, char *line, int number)
{
	const char *chain = strsep(&line, " "), *id = strsep(&line, " "), *link = strsep(&line, " ");
	CLEANUP(free_p) char *layer = xasprintf("overlay2/%d", number), *diff = xasprintf("%s/diff", layer);
	CLEANUP(free_p) char *db = xasprintf(LAYERDB "/%s", chain), *target = xasprintf("../%d/diff", number);
	CLEANUP(free_p) char *name = xasprintf("overlay2/l/%s", link ? link : "");
	struct error err = { 0 };

	if (!is_name(chain) || !id || !link || dir_make(store, db, 0755, &err) < 0)
		return false;
	need(dir_make(store, diff, 0755, &err) == 0);
	put(store, db, "cache-id", id);
	put(store, layer, "link", link);
	if (line)
		put(store, layer, "lower", line);
	if (is_name(link))
		(void)!symlinkat(target, store, name);
	return true;
}

static void check_layer(int store, const char *chain)
{
	CLEANUP(free_p) char *id_file = xasprintf(LAYERDB "/%s/cache-id", chain);
	CLEANUP(free_p) char *layer = xasprintf("overlay2/%s/diff", chain);
	CLEANUP(text_done) struct text id = { 0 };
	struct error err = { 0 };

	need(file_read(store, id_file, 4096, &id, &err) == 0 && text_same(id.data, chain));
	need(faccessat(store, layer, F_OK, 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *text = xstrndup((const char *)data, size);
	CLEANUP(strings_done) struct strings chains = { 0 };
	struct error err = { 0 };
	struct canary canary;
	char *rest = text;

	canary_open(&canary);
	need(dir_make(canary.root, LAYERDB, 0755, &err) == 0 && dir_make(canary.root, "overlay2/l", 0755, &err) == 0);
	for (char *line; chains.n < LAYERS_MAX && (line = strsep(&rest, "\n"));) {
		CLEANUP(free_p) char *chain = xstrndup(line, strcspn(line, " "));
		if (add_layer(canary.root, line, (int)chains.n + 1))
			strings_add(&chains, chain);
	}
	if (container_images_docker_rename(canary.root, &err) < 0)
		need(*err.text);
	else
		for (size_t i = 0; i < chains.n; i++)
			check_layer(canary.root, chains.at[i]);
	canary_close(&canary);
	return 0;
}
