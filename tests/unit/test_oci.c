/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/oci/oci.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "tests/unit/check.h"

static const char *const entrypoint[] = { "/usr/local/bin/kube-proxy", NULL };
static const struct oci_image image = {
	.reference = "registry.example:5000/k8s/kube-proxy:v1.20.2",
	.architecture = "amd64",
	.entrypoint = entrypoint,
	.epoch = 1749422427,
};
static const struct oci_blob layers[2] = { { "sha256:aa", 10 }, { "sha256:bb", 20 } };
static const struct oci_blob config = { "sha256:cc", 30 };

static char *printed(struct json *document)
{
	struct text text = { 0 };

	json_print(document, false, &text);
	json_free(document);
	return text_take(&text);
}

TEST(oci_config_layers_from_the_bottom)
{
	CLEANUP(free_p) char *text = printed(oci_config(&image, layers, 2));

	CHECK_STR(text, "{\"created\":\"2025-06-08T22:40:27Z\",\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{"
			"\"Env\":["
			"\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"],\"Entrypoint\":["
			"\"/usr/local/bin/"
			"kube-proxy\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:aa\",\"sha256:bb\"]}}");
}

TEST(oci_manifest_describes_config_and_layers)
{
	CLEANUP(free_p) char *text = printed(oci_manifest(&config, layers, 2));

	CHECK_STR(text,
		  "{\"schemaVersion\":2,\"mediaType\":\"application/"
		  "vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":"
		  "\"application/"
		  "vnd.oci.image.config.v1+json\",\"digest\":\"sha256:cc\",\"size\":30},\"layers\":[{\"mediaType\":"
		  "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:aa\",\"size\":10},{\"mediaType\":"
		  "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:bb\",\"size\":20}]}");
}

TEST(oci_index_entry_name_and_tag)
{
	CLEANUP(json_free_p) struct json *entry = oci_index_entry(&image, &config);
	const struct json *annotations = json_get(entry, "annotations");

	CHECK_STR(json_get_string(annotations, "io.containerd.image.name"),
		  "registry.example:5000/k8s/kube-proxy:v1.20.2");
	CHECK_STR(json_get_string(annotations, "org.opencontainers.image.ref.name"), "v1.20.2");
	CHECK_STR(json_get_string(entry, "digest"), "sha256:cc");
}

TEST(oci_index_entry_port_is_not_a_tag)
{
	struct oci_image untagged = image;
	untagged.reference = "registry.example:5000/pause";
	CLEANUP(json_free_p) struct json *entry = oci_index_entry(&untagged, &config);

	CHECK_STR(json_get_string(json_get(entry, "annotations"), "org.opencontainers.image.ref.name"), "latest");
}

TEST(oci_docker_entry_same_blobs)
{
	CLEANUP(free_p) char *text = printed(oci_docker_entry(&image, &config, layers, 1));

	CHECK_STR(text,
		  "{\"Config\":\"blobs/sha256/cc\",\"RepoTags\":[\"registry.example:5000/k8s/kube-proxy:v1.20.2\"],"
		  "\"Layers\":[\"blobs/sha256/aa\"]}");
}

/* A temporary directory below TMPDIR. */
struct place {
	char path[64];
};

static void place_done(struct place *place)
{
	struct error err = { 0 };

	if (tree_remove(AT_FDCWD, place->path, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
}

static char *below(const struct place *place, const char *name)
{
	return xasprintf("%s/%s", place->path, name);
}

/* Packs two images that share a base, one of them with a program on top, into PLACE/NAME. */
static int pack(const struct place *place, const char *name, struct error *err)
{
	CLEANUP(free_p) char *base = below(place, "base"), *program = below(place, "program");
	CLEANUP(free_p) char *layout = xasprintf("%s/%s.layout", place->path, name), *archive = below(place, name);
	CLEANUP(close_p) int fd = open(archive, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct oci_image images[2] = { image, image };

	images[0].base = images[1].base = base;
	images[0].reference = "k8s.gcr.io/etcd:3.4.13-0";
	images[1].program = program;
	images[1].program_path = "/usr/local/bin/kube-proxy";
	if (fd < 0 || mkdir(layout, 0700) < 0)
		return -1;
	return oci_write(images, 2, layout, fd, err);
}

static int prepare(struct place *place, struct error *err)
{
	snprintf(place->path, sizeof place->path, "/tmp/test_oci.XXXXXX");
	if (!mkdtemp(place->path))
		return -1;
	CLEANUP(free_p) char *directory = below(place, "base/usr/bin");
	CLEANUP(free_p) char *file = below(place, "base/usr/bin/etcd"), *program = below(place, "program");
	if (dir_make(AT_FDCWD, directory, 0755, err) < 0)
		return -1;
	if (file_write(AT_FDCWD, file, "etcd", 4, 0755, err) < 0)
		return -1;
	return file_write(AT_FDCWD, program, "proxy", 5, 0755, err);
}

/* Checks that every blob's name is the sha256 of its content; counts the blobs. */
static int check_blobs(const char *archive, size_t *ret_blobs, struct error *err)
{
	CLEANUP(close_p) int fd = open(archive, O_RDONLY | O_CLOEXEC);
	CLEANUP(tar_reader_free_p) struct tar_reader *reader = NULL;
	const struct tar_entry *entry;
	int rc;

	*ret_blobs = 0;
	if (tar_read_fd(fd, archive, &reader, err) < 0)
		return -1;
	while ((rc = tar_read_next(reader, &entry, err)) > 0) {
		CLEANUP(hash_free_p) struct hash *h = hash_new();
		CLEANUP(free_p) char *path = xstrdup(entry->path);
		const void *block;
		char hex[SHA256_HEX];
		size_t n;
		off_t offset;
		if (!S_ISREG(entry->mode) || !strstr(path, "blobs/sha256/"))
			continue;
		while ((rc = tar_read_data(reader, &block, &n, &offset, err)) > 0)
			hash_add(h, block, n);
		hash_hex(h, hex);
		if (rc < 0 || strcmp(strrchr(path, '/') + 1, hex))
			return -1;
		(*ret_blobs)++;
	}
	return rc;
}

TEST(oci_write_shares_layers)
{
	CLEANUP(place_done) struct place place;
	struct error err = { 0 };
	size_t blobs;

	CHECK(prepare(&place, &err) == 0);
	CHECK(pack(&place, "one.tar", &err) == 0);
	CLEANUP(free_p) char *archive = below(&place, "one.tar");
	CHECK(check_blobs(archive, &blobs, &err) == 0);
	CHECK(blobs == 2 + 2 * 2); /* layers: base and program; config and manifest of each image */
}

TEST(oci_write_index_and_layout_documents)
{
	CLEANUP(place_done) struct place place;
	CLEANUP(text_done) struct text index = { 0 }, layout = { 0 }, docker = { 0 };
	struct error err = { 0 };

	CHECK(prepare(&place, &err) == 0 && pack(&place, "one.tar", &err) == 0);
	CLEANUP(free_p) char *index_path = below(&place, "one.tar.layout/index.json");
	CLEANUP(free_p) char *layout_path = below(&place, "one.tar.layout/oci-layout");
	CLEANUP(free_p) char *docker_path = below(&place, "one.tar.layout/manifest.json");
	CHECK(file_read(AT_FDCWD, index_path, 1 << 20, &index, &err) == 0 &&
	      file_read(AT_FDCWD, layout_path, 1 << 20, &layout, &err) == 0 &&
	      file_read(AT_FDCWD, docker_path, 1 << 20, &docker, &err) == 0);
	CHECK(text_starts(index.data, "{\"schemaVersion\":2,\"manifests\":[{"));
	CHECK(strstr(layout.data, "{\"imageLayoutVersion\":\"1.0.0\"}"));
	CLEANUP(json_free_p) struct json *images = NULL, *archives = NULL;
	CHECK(json_parse("index.json", index.data, index.len, &images, &err) == 0 &&
	      json_parse("manifest.json", docker.data, docker.len, &archives, &err) == 0);
	CHECK(json_count(json_get(images, "manifests")) == 2 && json_count(archives) == 2);
}

TEST(oci_write_is_reproducible)
{
	CLEANUP(place_done) struct place place;
	struct error err = { 0 };
	char first[SHA256_HEX], second[SHA256_HEX];

	CHECK(prepare(&place, &err) == 0);
	CHECK(pack(&place, "one.tar", &err) == 0 && pack(&place, "two.tar", &err) == 0);
	CLEANUP(free_p) char *one_path = below(&place, "one.tar"), *two_path = below(&place, "two.tar");
	CLEANUP(close_p) int one = open(one_path, O_RDONLY | O_CLOEXEC);
	CLEANUP(close_p) int two = open(two_path, O_RDONLY | O_CLOEXEC);
	CHECK(sha256_fd(one, first, &err) == 0 && sha256_fd(two, second, &err) == 0);
	CHECK_STR(first, second);
}

TEST(oci_write_names_a_missing_program)
{
	CLEANUP(place_done) struct place place;
	struct error err = { 0 };

	CHECK(prepare(&place, &err) == 0);
	CLEANUP(free_p) char *program = below(&place, "program");
	CHECK(unlink(program) == 0);
	CHECK(pack(&place, "one.tar", &err) < 0);
	CHECK(strstr(err.text, "kube-proxy:v1.20.2") && strstr(err.text, "/program"));
}
