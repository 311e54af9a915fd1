/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/component_images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cache/cache_claim.h"
#include "builder/cache/scratch.h"
#include "builder/lock/lock_fetch.h"
#include "builder/oci/oci.h"
#include "builder/source/image_layer.h"
#include "builder/source/kubeadm_images.h"
#include "builder/source/program_install.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/job.h"
#include "lib/macro.h"

/* Raise when the same programs give other images. */
#define FORMAT "1"
#define ARCHIVE "images.tar"
#define REFERENCES "references"
#define TAGS "tags"
#define LIST_MAX 65536
/* Space in the scratch for the Debian layer, in addition to the programs. */
#define LAYER_NEED (256ull << 20)
/* Each program is in a blob of its own, in the scratch. */
#define NEED_PER_PROGRAM_BYTE 2

static void hash_image(struct hash *h, const struct component_image *image)
{
	hash_field(h, "image", image->name);
	hash_field(h, "program", image->program);
	hash_field(h, "path", image->path);
	hash_field(h, "entrypoint", image->entrypoint ? "yes" : "no");
	for (size_t i = 0; i < image->packages.n; i++)
		hash_field(h, "package", image->packages.at[i]);
}

void component_images_key(const struct recipe *recipe, const struct lock *lock, const struct source_set *s,
			  char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char group[SHA256_HEX];

	hash_field(h, "artifacts", "images");
	hash_field(h, "format", FORMAT);
	hash_field(h, "architecture", recipe->architecture);
	lock_group_digest(lock, LOCK_IMAGE, group);
	hash_field(h, "layer", group);
	for (size_t i = 0; i < s->programs.n; i++) {
		const struct source_programs *p = &s->programs.at[i];
		if (!source_packs_images(p->component))
			continue;
		hash_field(h, "component", p->component->name);
		hash_field(h, "version", p->version);
		hash_field(h, "programs", source_programs_key(p));
		for (size_t k = 0; k < p->component->images.n; k++)
			hash_image(h, &p->component->images.at[k]);
	}
	hash_hex(h, ret_hex);
}

char *component_images_tag(const char *tag, const char *version)
{
	const char *dash = strchr(tag, '-');

	return xasprintf("%s%s%s", *tag == 'v' ? "v" : "", version, dash ? dash : "");
}

/* Those of one release with kubeadm, which names their tags; pause has no version that anybody could choose. */
static bool has_tag_of_kubeadm(const struct component *c)
{
	return c->source == COMPONENT_C || !strcmp(c->name, "kubernetes");
}

char *component_images_reference(const struct component *c, const struct component_image *image, const char *version,
				 const struct strings *references)
{
	if (strchr(image->name, '/'))
		return xasprintf("%s:v%s", image->name, version);
	const char *named = kubeadm_images_find(references, image->name);
	if (!named || has_tag_of_kubeadm(c))
		return xstrdup_or_null(named);
	const char *colon = strrchr(named, ':');
	CLEANUP(free_p) char *tag = component_images_tag(colon + 1, version);
	return xasprintf("%.*s:%s", (int)(colon - named), named, tag);
}

/* One image that is being packed. */
struct packed_image {
	const struct source_programs *of;
	const struct component_image *image;
	char *reference, *program; /* owned; program: absolute path */
	const char *entrypoint[2]; /* NULL-ended */
};

/* The images that are being packed. */
struct component_pack {
	const struct recipe *recipe;
	const struct lock *lock;
	struct cache *cache;
	const struct source_set *sources;
	const char *key;
	struct scratch scratch;
	struct strings kubeadm;       /* the references that kubeadm prints */
	struct strings packages;      /* of the layer */
	struct text references, tags; /* the lists that are stored with the archive, one item a line */
	VEC(struct packed_image) images;
};

static void pack_done(struct component_pack *p)
{
	for (size_t i = 0; i < p->images.n; i++) {
		free(p->images.at[i].reference);
		free(p->images.at[i].program);
	}
	vec_done(&p->images);
	scratch_close(&p->scratch);
	strings_done(&p->kubeadm);
	strings_done(&p->packages);
	text_done(&p->references);
	text_done(&p->tags);
}

/* Asks a copy of the compiled kubeadm, which is static, in an empty tree: it is code of the lock, and must not change what is in
 * the cache. Without it only images that it does not know have names. */
static int ask_kubeadm(struct component_pack *p, struct error *err)
{
	const struct source_programs *kubernetes = source_programs(p->sources, "kubernetes");
	CLEANUP(free_p) char *root = NULL;

	if (!kubernetes)
		return 0;
	if (scratch_directory(&p->scratch, "kubeadm", &root, err) < 0)
		return -1;
	CLEANUP(free_p) char *program = xasprintf("%s/bin/kubeadm", kubernetes->directory);
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);
	if (rootfd < 0 || program_install(program, rootfd, "/kubeadm", err) < 0)
		return -1;
	return kubeadm_images_list(&(struct sandbox){ .root = root }, "/kubeadm", kubernetes->version, &p->kubeadm,
				   err);
}

static int add_image(struct component_pack *p, const struct source_programs *of, const struct component_image *image,
		     struct error *err)
{
	struct packed_image packed = { .of = of, .image = image };

	packed.reference = component_images_reference(of->component, image, of->version, &p->kubeadm);
	if (!packed.reference)
		return error_set(err, ERROR_INPUT,
				 "component %s: its image %s is named by kubeadm, and %s; compile Kubernetes from Go "
				 "modules, or take %s from another source",
				 of->component->name, image->name,
				 p->kubeadm.n ? "`kubeadm config images list` prints no such image"
					      : "no kubeadm is compiled for this recipe",
				 of->component->name);
	packed.program = xasprintf("%s/bin/%s", of->directory, image->program);
	packed.entrypoint[0] = image->entrypoint ? image->path : NULL;
	vec_push(&p->images, packed);
	for (size_t i = 0; i < image->packages.n; i++)
		if (!strings_has(&p->packages, image->packages.at[i]))
			strings_add(&p->packages, image->packages.at[i]);
	text_addf(&p->references, "%s\n", packed.reference);
	if (!strchr(image->name, '/') && !strings_has(&p->kubeadm, packed.reference))
		text_addf(&p->tags, "%s=%s\n", image->name, strrchr(packed.reference, ':') + 1);
	return 0;
}

static int add_images(struct component_pack *p, struct error *err)
{
	for (size_t i = 0; i < p->sources->programs.n; i++) {
		const struct source_programs *of = &p->sources->programs.at[i];
		for (size_t k = 0; source_packs_images(of->component) && k < of->component->images.n; k++)
			if (add_image(p, of, &of->component->images.at[k], err) < 0)
				return -1;
	}
	return 0;
}

static int write_archive(const struct component_pack *p, int fd, struct error *err)
{
	CLEANUP(free_p) char *layer = xasprintf("%s/layer", p->scratch.path);
	CLEANUP(free_p) char *layout = NULL;
	VEC(struct oci_image) images = { 0 };

	if (scratch_directory(&p->scratch, "layout", &layout, err) < 0 ||
	    (p->packages.n &&
	     image_layer_make(p->lock, p->cache, (const char *const *)p->packages.at, p->packages.n, layer, err) < 0))
		return -1;
	for (size_t i = 0; i < p->images.n; i++) {
		const struct packed_image *packed = &p->images.at[i];
		bool based = packed->image->packages.n;
		vec_push(&images, ((struct oci_image){
					  .reference = packed->reference,
					  .architecture = p->recipe->architecture,
					  .base = based ? layer : NULL,
					  .base_without = based ? image_layer_unwanted : NULL,
					  .program = packed->program,
					  .program_path = packed->image->path,
					  .entrypoint = packed->entrypoint,
					  .epoch = packed->of->date,
				  }));
	}
	int rc = oci_write(images.at, images.n, layout, fd, err);
	vec_done(&images);
	return rc;
}

static int write_all_files(const struct component_pack *p, int outfd, struct error *err)
{
	CLEANUP(close_p) int fd = openat(outfd, ARCHIVE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(err, errno, "create " ARCHIVE " in the cache");
	if (write_archive(p, fd, err) < 0 ||
	    file_write(outfd, REFERENCES, p->references.data, p->references.len, 0644, err) < 0)
		return -1;
	return file_write(outfd, TAGS, p->tags.data, p->tags.len, 0644, err);
}

static int publish(const struct component_pack *p, struct error *err)
{
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int fd = -1;

	if (cache_scratch(p->cache, &scratch, &fd, err) < 0 || write_all_files(p, fd, err) < 0)
		return -1;
	return cache_publish(p->cache, scratch, "artifacts", p->key, err);
}

static uint64_t need(const struct source_set *s)
{
	uint64_t bytes = LAYER_NEED;
	struct error ignored = { 0 };

	for (size_t i = 0; i < s->programs.n; i++) {
		uint64_t size = 0;
		if (s->programs.at[i].component->images.n && source_packs_images(s->programs.at[i].component) &&
		    tree_size(AT_FDCWD, s->programs.at[i].directory, &size, &ignored) == 0)
			bytes += NEED_PER_PROGRAM_BYTE * size;
	}
	return bytes;
}

/* Runs as a job, because the scratch is a mount in a private namespace. */
static int make_job(void *context, struct error *err)
{
	CLEANUP(pack_done) struct component_pack p = *(const struct component_pack *)context;

	if (scratch_open(p.cache, SCRATCH_AUTO, need(p.sources), &p.scratch, err) < 0 || ask_kubeadm(&p, err) < 0 ||
	    add_images(&p, err) < 0)
		return -1;
	return publish(&p, err);
}

static int make(struct component_pack *p, struct error *err)
{
	CLEANUP(job_stop) struct job job = { 0 };

	if (lock_fetch_packages(p->lock, LOCK_IMAGE, p->cache, err) < 0 || job_start(&job, make_job, p, err) < 0)
		return -1;
	return job_wait(&job, err);
}

static int read_list(const struct cache *cache, const char *key, const char *name, struct strings *ret,
		     struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("artifacts/%s/%s", key, name);
	CLEANUP(text_done) struct text list = { 0 };

	if (file_read(cache->fd, file, LIST_MAX, &list, err) < 0)
		return -1;
	char *rest = list.data, *line;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			strings_add(ret, line);
	return 0;
}

int component_images_make(const struct recipe *recipe, const struct lock *lock, struct cache *cache,
			  struct source_set *ret, struct error *err)
{
	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
	char key[SHA256_HEX];

	if (!source_has_images(recipe))
		return 0;
	component_images_key(recipe, lock, ret, key);
	struct component_pack p = { .recipe = recipe, .lock = lock, .cache = cache, .sources = ret, .key = key };
	if (cache_claim(cache, "artifacts", key, "the components' images", &claim, err) < 0 ||
	    (claim.needed && make(&p, err) < 0))
		return error_wrap(err, "the components' images");
	if (read_list(cache, key, REFERENCES, &ret->references, err) < 0 ||
	    read_list(cache, key, TAGS, &ret->image_tags, err) < 0)
		return -1;
	ret->images = xasprintf("%s/artifacts/%s", cache->path, key);
	strings_addf(&ret->archives, "%s/" ARCHIVE, ret->images);
	return 0;
}
