/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/oci/container_images.h"
#include "builder/oci/container_images_engine.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define DOCKER "[{\"RepoTags\":[\"a/b:1\",\"a/b:latest\"]},{\"RepoTags\":null}]"
#define OCI                                                                                                            \
	"{\"manifests\":[{\"annotations\":{\"io.containerd.image.name\":\"r/full:1\","                                 \
	"\"org.opencontainers.image.ref.name\":\"1\"}},{\"annotations\":{\"org.opencontainers.image.ref.name\":"       \
	"\"r/short:2\"}},{}]}"

/* An archive of one member; path gets its name. */
static int write_archive(char path[32], const char *member, const char *content)
{
	CLEANUP(tar_writer_free_p) struct tar_writer *w = NULL;
	struct error err = { 0 };
	struct tar_entry entry = { .path = member, .mode = S_IFREG | 0644, .size = strlen(content) };

	strcpy(path, "/tmp/nodekiln-test.XXXXXX");
	CLEANUP(close_p) int fd = mkstemp(path);
	return fd < 0 || tar_write_fd(fd, COMPRESSION_NONE, 0, &w, &err) < 0 || tar_write_entry(w, &entry, &err) < 0 ||
			       tar_write_data(w, content, strlen(content), &err) < 0 || tar_write_end(w, &err) < 0
		       ? -1
		       : 0;
}

static int names_for(enum runtime runtime, const char *member, const char *content, struct strings *names,
		     struct error *err)
{
	char path[32];

	if (write_archive(path, member, content) < 0)
		return -2;
	int rc = container_images_names(path, runtime, names, err);
	unlink(path);
	return rc;
}

static int names_of(const char *member, const char *content, struct strings *names, struct error *err)
{
	return names_for(RUNTIME_CONTAINERD, member, content, names, err);
}

TEST(container_images_names_of_docker_archives)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	CHECK(names_of("manifest.json", DOCKER, &names, &err) == 0);
	CHECK(names.n == 2);
	CHECK_STR(names.at[1], "a/b:latest");
}

TEST(container_images_names_of_oci_layouts)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	CHECK(names_of("./index.json", OCI, &names, &err) == 0);
	CHECK(names.n == 2);
	CHECK_STR(names.at[0], "r/full:1");
	CHECK_STR(names.at[1], "r/short:2");
}

TEST(container_images_docker_needs_docker_save)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	CHECK(names_for(RUNTIME_DOCKER, "index.json", OCI, &names, &err) == -1 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "as `docker save` writes it"));
	CHECK(names_for(RUNTIME_DOCKER, "manifest.json", DOCKER, &names, &err) == 0 && names.n == 2);
}

TEST(container_images_store_per_runtime)
{
	CHECK_STR(container_images_store(RUNTIME_CONTAINERD), "var/lib/containerd");
	CHECK_STR(container_images_store(RUNTIME_DOCKER), "var/lib/docker");
	CHECK(!container_images_store(RUNTIME_NONE));
}

TEST(container_images_names_refuses_nameless)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	CHECK(names_of("other", "x", &names, &err) == -1 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "names no image"));
	CHECK(names_of("manifest.json", "[", &names, &err) == -1);
}

#define LAYERDB "image/overlay2/layerdb/sha256"
#define LOW "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HIGH "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LOW_LINK "AAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HIGH_LINK "BBBBBBBBBBBBBBBBBBBBBBBBBB"

/* A layer as dockerd leaves it; lower may be NULL. */
static int put_layer(int fd, const char *chain, const char *id, const char *link, const char *lower)
{
	CLEANUP(free_p) char *db = xasprintf(LAYERDB "/%s", chain), *id_file = xasprintf("%s/cache-id", db);
	CLEANUP(free_p) char *diff = xasprintf("overlay2/%s/diff", id), *link_file = xasprintf("overlay2/%s/link", id);
	CLEANUP(free_p) char *lower_file = xasprintf("overlay2/%s/lower", id);
	CLEANUP(free_p) char *symlink = xasprintf("overlay2/l/%s", link), *target = xasprintf("../%s/diff", id);
	struct error err = { 0 };

	if (dir_make(fd, db, 0755, &err) < 0 || dir_make(fd, diff, 0755, &err) < 0 ||
	    dir_make(fd, "overlay2/l", 0755, &err) < 0 || symlinkat(target, fd, symlink) < 0 ||
	    file_write(fd, id_file, id, strlen(id), 0644, &err) < 0 ||
	    file_write(fd, link_file, link, strlen(link), 0644, &err) < 0)
		return -1;
	return lower ? file_write(fd, lower_file, lower, strlen(lower), 0644, &err) : 0;
}

static bool holds(int fd, const char *file, const char *want)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	return file_read(fd, file, 4096, &text, &err) == 0 && text_same(text.data, want);
}

static bool links_to(int fd, const char *link, const char *want)
{
	char target[128] = "";

	return readlinkat(fd, link, target, sizeof target - 1) > 0 && text_same(target, want);
}

TEST(container_images_docker_rename_derives_names)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	struct error err = { 0 };
	CLEANUP(close_p) int fd = mkdtemp(path) ? dir_open(AT_FDCWD, path, &err) : -1;

	CHECK(fd >= 0);
	CHECK(put_layer(fd, LOW, "1f", "RANDOMLOW", NULL) == 0);
	CHECK(put_layer(fd, HIGH, "2e", "RANDOMHIGH", "l/RANDOMLOW:l/RANDOMLOW") == 0);
	CHECK_STR(container_images_docker_rename(fd, &err) < 0 ? err.text : "", "");
	CHECK(holds(fd, LAYERDB "/" LOW "/cache-id", LOW));
	CHECK(holds(fd, "overlay2/" LOW "/link", LOW_LINK));
	CHECK(holds(fd, "overlay2/" HIGH "/lower", "l/" LOW_LINK ":l/" LOW_LINK));
	CHECK(links_to(fd, "overlay2/l/" HIGH_LINK, "../" HIGH "/diff"));
	CHECK(links_to(fd, "overlay2/l/" LOW_LINK, "../" LOW "/diff"));
	CHECK(faccessat(fd, "overlay2/1f", F_OK, 0) < 0 && faccessat(fd, "overlay2/l/RANDOMLOW", F_OK, 0) < 0);
	CHECK(faccessat(fd, "overlay2/l/" HIGH_LINK, F_OK, 0) == 0);
	CHECK(tree_remove(AT_FDCWD, path, &err) == 0);
}

TEST(container_images_docker_rename_refuses_bad_parents)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	struct error err = { 0 };
	CLEANUP(close_p) int fd = mkdtemp(path) ? dir_open(AT_FDCWD, path, &err) : -1;

	CHECK(fd >= 0 && put_layer(fd, HIGH, "2e", "RANDOMHIGH", "l/ELSEWHERE") == 0);
	CHECK(container_images_docker_rename(fd, &err) < 0 && strstr(err.text, "l/ELSEWHERE"));
	CHECK(file_write(fd, LAYERDB "/" HIGH "/cache-id", "../x", 4, 0644, &err) == 0);
	CHECK(container_images_docker_rename(fd, &err) < 0 && strstr(err.text, "contains no valid name"));
	CHECK(tree_remove(AT_FDCWD, path, &err) == 0);
}
