/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON documents of an image layout, as the OCI image specification 1.0 and `docker save` have them. */
#include <string.h>

#include "builder/oci/oci.h"

#include "lib/alloc.h"
#include "lib/clock.h"

#define MEDIA_TYPE "application/vnd.oci.image."

static const char path_variable[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static struct json *strings_json(const char *const *list)
{
	struct json *array = json_array();

	for (; list && *list; list++)
		json_push(array, json_string(*list));
	return array;
}

static struct json *digests_json(const struct oci_blob *blob, size_t n)
{
	struct json *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_push(array, json_string(blob[i].digest));
	return array;
}

static struct json *descriptor(const char *type, const struct oci_blob *blob)
{
	struct json *d = json_object();

	json_put_stringf(d, "mediaType", MEDIA_TYPE "%s", type);
	json_put_string(d, "digest", blob->digest);
	json_put_int(d, "size", blob->size);
	return d;
}

struct json *oci_config(const struct oci_image *image, const struct oci_blob *layer, size_t layers)
{
	struct json *document = json_object(), *config = json_object(), *rootfs = json_object();
	const char *const environment[] = { path_variable, NULL };
	char created[CLOCK_TEXT_MAX];

	clock_text((time_t)image->epoch, created);
	json_put_string(document, "created", created);
	json_put_string(document, "architecture", image->architecture);
	json_put_string(document, "os", "linux");
	json_put(config, "Env", strings_json(environment));
	json_put(config, "Entrypoint", strings_json(image->entrypoint));
	json_put(document, "config", config);
	json_put_string(rootfs, "type", "layers");
	json_put(rootfs, "diff_ids", digests_json(layer, layers));
	json_put(document, "rootfs", rootfs);
	return document;
}

struct json *oci_manifest(const struct oci_blob *config, const struct oci_blob *layer, size_t layers)
{
	struct json *document = json_object(), *array = json_array();

	json_put_int(document, "schemaVersion", 2);
	json_put_string(document, "mediaType", MEDIA_TYPE "manifest.v1+json");
	json_put(document, "config", descriptor("config.v1+json", config));
	for (size_t i = 0; i < layers; i++)
		json_push(array, descriptor("layer.v1.tar", &layer[i]));
	json_put(document, "layers", array);
	return document;
}

/* The part after the last ':', unless that colon belongs to a registry's port. */
static const char *tag_of(const char *reference)
{
	const char *colon = strrchr(reference, ':');

	return colon && !strchr(colon, '/') ? colon + 1 : "latest";
}

struct json *oci_index_entry(const struct oci_image *image, const struct oci_blob *manifest)
{
	struct json *entry = descriptor("manifest.v1+json", manifest);
	struct json *platform = json_object(), *annotations = json_object();

	json_put_string(platform, "architecture", image->architecture);
	json_put_string(platform, "os", "linux");
	json_put(entry, "platform", platform);
	/* containerd takes the name from its own annotation; the specification's annotation may hold only the tag. */
	json_put_string(annotations, "io.containerd.image.name", image->reference);
	json_put_string(annotations, "org.opencontainers.image.ref.name", tag_of(image->reference));
	json_put(entry, "annotations", annotations);
	return entry;
}

static void put_blob_path(struct json *array, const struct oci_blob *blob)
{
	CLEANUP(free_p) char *path = xasprintf("blobs/sha256/%s", strchr(blob->digest, ':') + 1);

	json_push(array, json_string(path));
}

struct json *oci_docker_entry(const struct oci_image *image, const struct oci_blob *config,
			      const struct oci_blob *layer, size_t layers)
{
	struct json *entry = json_object(), *tags = json_array(), *paths = json_array();

	json_put_stringf(entry, "Config", "blobs/sha256/%s", strchr(config->digest, ':') + 1);
	json_push(tags, json_string(image->reference));
	json_put(entry, "RepoTags", tags);
	for (size_t i = 0; i < layers; i++)
		put_blob_path(paths, &layer[i]);
	json_put(entry, "Layers", paths);
	return entry;
}
