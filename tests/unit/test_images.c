/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "builder/images.h"
#include "builder/tar.h"
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
	return fd < 0 || tar_write_fd(fd, COMPRESSION_NONE, 0, 1, &w, &err) < 0 ||
			       tar_write_entry(w, &entry, &err) < 0 ||
			       tar_write_data(w, content, strlen(content), &err) < 0 || tar_write_end(w, &err) < 0
		       ? -1
		       : 0;
}

static int names_of(const char *member, const char *content, struct strings *names, struct error *err)
{
	char path[32];

	if (write_archive(path, member, content) < 0)
		return -2;
	int rc = images_names(path, names, err);
	unlink(path);
	return rc;
}

TEST(images_names_of_docker_archives)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	CHECK(names_of("manifest.json", DOCKER, &names, &err) == 0);
	CHECK(names.n == 2);
	CHECK_STR(names.at[1], "a/b:latest");
}

TEST(images_names_of_oci_layouts)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	CHECK(names_of("./index.json", OCI, &names, &err) == 0);
	CHECK(names.n == 2);
	CHECK_STR(names.at[0], "r/full:1");
	CHECK_STR(names.at[1], "r/short:2");
}

TEST(images_names_refuse_what_names_none)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	CHECK(names_of("other", "x", &names, &err) == -1 && err.class == ERROR_RECIPE);
	CHECK(strstr(err.text, "names no image"));
	CHECK(names_of("manifest.json", "[", &names, &err) == -1);
}
