/* SPDX-License-Identifier: Apache-2.0 */
/* Docker gives each layer two random names: its directory below overlay2, which
 * image/overlay2/layerdb/sha256/CHAIN/cache-id contains, and a short link to that (overlay2/l/LINK), which is used in
 * mount options. Here both are derived from CHAIN, the digest of the layer and all layers below it, so that equal
 * images give equal stores. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builder/oci/container_images_engine.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/text.h"

#define LAYERDB "image/overlay2/layerdb/sha256"
#define LINKS "overlay2/l"
#define LINK_LEN 26       /* as long as Docker's own */
#define NAME_MAX_BYTES 64 /* a digest in hex */
#define LOWER_MAX (128 * sizeof "l/ABCDEFGHIJKLMNOPQRSTUVWXYZ:")

struct layers {
	struct strings chain, link; /* a layer's digest, and the random link that it had; at the same index */
};

static void layers_done(struct layers *l)
{
	strings_done(&l->chain);
	strings_done(&l->link);
}

/* Upper case, as Docker's. LINK_LEN hex digits are enough to keep the layers of a store distinct. */
static char *link_of(const char *chain)
{
	char *name = xstrndup(chain, LINK_LEN);

	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return name;
}

static int read_name(int dirfd, const char *file, char **ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (file_read(dirfd, file, NAME_MAX_BYTES, &text, err) < 0)
		return -1;
	if (!text.len || strchr(text.data, '/') || text.data[0] == '.')
		return error_set(err, ERROR_COMMAND, "%s in Docker's store contains no valid name", file);
	*ret = text_take(&text);
	return 0;
}

static int rename_directory(int storefd, const char *chain, struct error *err)
{
	CLEANUP(free_p) char *id_file = xasprintf(LAYERDB "/%s/cache-id", chain);
	CLEANUP(free_p) char *to = xasprintf("overlay2/%s", chain);
	CLEANUP(free_p) char *id = NULL;

	if (read_name(storefd, id_file, &id, err) < 0)
		return -1;
	CLEANUP(free_p) char *from = xasprintf("overlay2/%s", id);
	if (renameat(storefd, from, storefd, to) < 0)
		return error_errno(err, errno, "rename %s in Docker's store", from);
	return file_write(storefd, id_file, chain, strlen(chain), 0644, err);
}

static int rename_link(int storefd, const char *chain, struct layers *l, struct error *err)
{
	CLEANUP(free_p) char *link_file = xasprintf("overlay2/%s/link", chain);
	CLEANUP(free_p) char *target = xasprintf("../%s/diff", chain);
	CLEANUP(free_p) char *name = link_of(chain);
	CLEANUP(free_p) char *to = xasprintf(LINKS "/%s", name);
	CLEANUP(free_p) char *old = NULL;

	if (read_name(storefd, link_file, &old, err) < 0)
		return -1;
	CLEANUP(free_p) char *from = xasprintf(LINKS "/%s", old);
	if (unlinkat(storefd, from, 0) < 0 || symlinkat(target, storefd, to) < 0)
		return error_errno(err, errno, "rename %s in Docker's store", from);
	strings_add(&l->chain, chain);
	strings_own(&l->link, TAKE(old));
	return file_write(storefd, link_file, name, strlen(name), 0644, err);
}

/* Finds "l/LINK" by its old name. */
static int add_lower(const struct layers *l, const char *part, struct text *ret, struct error *err)
{
	for (size_t i = 0; text_starts(part, "l/") && i < l->link.n; i++)
		if (!strcmp(part + 2, l->link.at[i])) {
			CLEANUP(free_p) char *name = link_of(l->chain.at[i]);
			text_addf(ret, "%sl/%s", ret->len ? ":" : "", name);
			return 0;
		}
	return error_set(err, ERROR_COMMAND, "a layer in Docker's store names '%s' as its parent, which is not a layer",
			 part);
}

/* Rewrites the list of the layers below this one, nearest first; the lowest layer has no such file. */
static int rename_lower(int storefd, const char *chain, const struct layers *l, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("overlay2/%s/lower", chain);
	CLEANUP(text_done) struct text old = { 0 };
	CLEANUP(text_done) struct text new = { 0 };

	if (faccessat(storefd, file, F_OK, 0) < 0)
		return 0;
	if (file_read(storefd, file, LOWER_MAX, &old, err) < 0)
		return -1;
	char *rest = old.data, *part;
	while ((part = strsep(&rest, ":")))
		if (add_lower(l, part, &new, err) < 0)
			return -1;
	return new.len ? file_write(storefd, file, new.data, new.len, 0644, err) : 0;
}

static int list_chains(int storefd, struct strings *ret, struct error *err)
{
	int fd = openat(storefd, LAYERDB, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "read " LAYERDB " in Docker's store");
	while ((errno = 0, entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strings_add(ret, entry->d_name);
	return errno ? error_errno(err, errno, "read " LAYERDB " in Docker's store") : 0;
}

int container_images_docker_rename(int storefd, struct error *err)
{
	CLEANUP(strings_done) struct strings chains = { 0 };
	CLEANUP(layers_done) struct layers layers = { 0 };

	if (list_chains(storefd, &chains, err) < 0)
		return -1;
	for (size_t i = 0; i < chains.n; i++)
		if (rename_directory(storefd, chains.at[i], err) < 0 ||
		    rename_link(storefd, chains.at[i], &layers, err) < 0)
			return -1;
	for (size_t i = 0; i < chains.n; i++)
		if (rename_lower(storefd, chains.at[i], &layers, err) < 0)
			return -1;
	return 0;
}
