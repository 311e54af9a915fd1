/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish_image.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "builder/artifacts/artifacts.h"
#include "builder/artifacts/sha256sums.h"
#include "builder/artifacts/signature.h"
#include "builder/disk/qcow2.h"
#include "builder/publish/publish_notes.h"
#include "lib/file.h"
#include "lib/input.h"
#include "lib/validate.h"

#define MANIFEST ".manifest.json"
#define VERSION_MAX 40

/* Suffixes of artifacts, and the part of an image that each is. */
static const struct {
	const char *suffix;
	unsigned part; /* 0 = none */
} suffixes[] = {
	{ MANIFEST, 0 },     { ".qcow2", PUBLISH_VM },  { ".tar.zst", PUBLISH_CT },
	{ ".spdx.json", 0 }, { ".provenance.json", 0 },
};

static char *manifest_path(const char *image)
{
	size_t n = strlen(image);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (text_ends(image, suffixes[i].suffix))
			n = strlen(image) - strlen(suffixes[i].suffix);
	return xasprintf("%.*s" MANIFEST, (int)n, image);
}

/* The digest of SHA256SUMS for a file. */
static int check_sum(const struct sha256sums *sums, const char *name, const char *sha256, struct error *err)
{
	const char *want = sha256sums_find(sums, name);

	if (!want)
		return error_set(err, ERROR_TRUST, "%s has no line for %s; build the image again", ARTIFACTS_SUMS,
				 name);
	if (strcmp(want, sha256) != 0)
		return error_set(err, ERROR_TRUST,
				 "%s: its sha256 is %s, the signed %s says %s; it was changed, build the image again",
				 name, sha256, ARTIFACTS_SUMS, want);
	return 0;
}

/* The signature covers SHA256SUMS, which covers the manifest, which names the artifacts: publish_file_verify() compares those. */
static int check_signed(const char *path, const char *keyring, const struct text *manifest, struct error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	CLEANUP(free_p) char *directory = xasprintf("%.*s.", (int)(name - path), path);
	CLEANUP(free_p) char *file = xasprintf("%s/" ARTIFACTS_SUMS, directory);
	CLEANUP(sha256sums_done) struct sha256sums sums = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	char sha256[SHA256_HEX];

	if (file_read(AT_FDCWD, file, SHA256SUMS_SIZE_MAX, &text, err) < 0) {
		err->class = ERROR_TRUST;
		return error_wrap(err, "the image is not signed");
	}
	if (signature_check(directory, keyring, text.data, text.len, err) < 0)
		return -1;
	sha256sums_parse(text.len ? text.data : "", &sums);
	sha256_hex(manifest->data ? manifest->data : "", manifest->len, sha256);
	return check_sum(&sums, name, sha256, err);
}

static int read_manifest(const char *path, const char *keyring, struct json **ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (input_read(path, JSON_SIZE_MAX, &text, err) < 0)
		return error_wrap(err, "an image is published by its manifest, which `nodekiln build` writes");
	if (keyring && check_signed(path, keyring, &text, err) < 0)
		return -1;
	return json_parse(path, text.data ? text.data : "", text.len, ret, err);
}

static int manifest_wrong(const char *path, const char *what, struct error *err)
{
	return error_set(err, ERROR_INPUT, "%s: %s; build the image again", path, what);
}

/* "2026-11-22T.." to "20261122": the version of an image without Kubernetes. */
static char *day_of(const char *created)
{
	struct text t = { 0 };

	for (const char *c = created; *c && *c != 'T'; c++)
		if (*c != '-')
			text_addn(&t, c, 1);
	return text_take(&t);
}

static bool is_version(const char *s)
{
	return *s && strlen(s) <= VERSION_MAX && !s[strspn(s, "0123456789.")] && *s != '.' && !text_ends(s, ".");
}

static int read_words(const char *path, const struct json *manifest, struct publish_image *image, struct error *err)
{
	const char *name = json_get_string(manifest, "name"), *created = json_get_string(manifest, "created");
	const char *version = json_get_string(json_get(manifest, "versions"), "kubernetes");
	const char *description = json_get_string(manifest, "description"),
		   *warning = json_get_string(manifest, "warning");

	if (!name || !recipe_name_is_valid(name))
		return manifest_wrong(path, "it names no image", err);
	image->name = xstrdup(name);
	image->version = version ? xstrdup(version) : day_of(created ? created : "");
	if (!is_version(image->version))
		return manifest_wrong(path, "it has neither a version of Kubernetes nor a date", err);
	image->description = xstrdup_or_null(description);
	image->warning = xstrdup_or_null(warning);
	return 0;
}

/* The file must have the manifest's size; PVE checks its digest after the upload. */
static int check_size(const struct publish_file *file, struct error *err)
{
	struct stat st;

	if (stat(file->path, &st) < 0) {
		error_errno(err, errno, "%s", file->path);
		err->class = ERROR_INPUT;
		return -1;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size)
		return error_set(err, ERROR_TRUST, "%s has %lld bytes, its manifest says %llu; build the image again",
				 file->path, (long long)st.st_size, (unsigned long long)file->size);
	return 0;
}

static int read_artifact(const char *manifest, const struct json *entry, const char *suffix,
			 struct publish_image *image, struct publish_file *ret, struct error *err)
{
	const char *name = json_get_string(entry, "file"), *sha256 = json_get_string(entry, "sha256");
	const char *slash = strrchr(manifest, '/');
	int64_t size;

	if (!sha256 || !hex_is_valid(sha256, SHA256_HEX - 1) || !json_get_int(entry, "size", &size) || size <= 0 ||
	    !filename_is_valid(name))
		return manifest_wrong(manifest, "an artifact's entry is broken", err);
	CLEANUP(free_p) char *stem = publish_notes_stem(image->name, image->version, sha256);
	*ret = (struct publish_file){
		.path = slash ? xasprintf("%.*s/%s", (int)(slash - manifest), manifest, name) : xstrdup(name),
		.volume = xasprintf("%s%s", stem, suffix),
		.size = (uint64_t)size,
	};
	memcpy(ret->sha256, sha256, SHA256_HEX);
	if (!image->stem || ret == &image->vm) {
		free(image->stem);
		image->stem = TAKE(stem);
	}
	return check_size(ret, err);
}

static int read_artifacts(const char *path, const struct json *manifest, unsigned parts, struct publish_image *image,
			  struct error *err)
{
	const struct json *list = json_get(manifest, "artifacts");

	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_get_string(json_at(list, i), "file");
		for (size_t s = 0; name && s < ARRAY_SIZE(suffixes); s++)
			if (suffixes[s].part & parts && text_ends(name, suffixes[s].suffix) &&
			    read_artifact(path, json_at(list, i), suffixes[s].suffix, image,
					  suffixes[s].part == PUBLISH_VM ? &image->vm : &image->ct, err) < 0)
				return -1;
	}
	if (!image->vm.path && !image->ct.path)
		return manifest_wrong(path, "it has none of the artifacts that are wanted (NAME.qcow2, NAME.tar.zst)",
				      err);
	return 0;
}

static int read_disk(struct publish_image *image, struct error *err)
{
	struct qcow2_info info;
	CLEANUP(close_p) int fd = input_open(image->vm.path, err);

	if (fd < 0)
		return -1;
	if (qcow2_info(fd, &info, err) < 0) {
		err->class = ERROR_INPUT;
		return error_wrap(err, "%s", image->vm.path);
	}
	image->stored = info.allocated;
	return 0;
}

int publish_image_load(const char *name, unsigned parts, const char *keyring, struct publish_image *ret,
		       struct error *err)
{
	CLEANUP(publish_image_done) struct publish_image image = { 0 };
	CLEANUP(free_p) char *path = manifest_path(name);
	CLEANUP(json_free_p) struct json *manifest = NULL;

	if (read_manifest(path, keyring, &manifest, err) < 0 || read_words(path, manifest, &image, err) < 0 ||
	    read_artifacts(path, manifest, parts, &image, err) < 0)
		return -1;
	if (image.vm.path && read_disk(&image, err) < 0)
		return -1;
	json_free(TAKE(manifest));
	malloc_trim(0); /* a parsed manifest is a hundred times as large as what is kept, and uploads take long */
	*ret = TAKE(image);
	return 0;
}

int publish_file_verify(const struct publish_file *file, struct error *err)
{
	CLEANUP(close_p) int fd = input_open(file->path, err);
	char sha256[SHA256_HEX];

	if (fd < 0)
		return -1;
	if (sha256_fd(fd, sha256, err) < 0)
		return error_wrap(err, "%s", file->path);
	if (strcmp(sha256, file->sha256) != 0)
		return error_set(err, ERROR_TRUST, "%s: its sha256 is %s, the manifest says %s; build the image again",
				 file->path, sha256, file->sha256);
	return 0;
}

static void file_done(struct publish_file *file)
{
	free(file->path);
	free(file->volume);
}

void publish_image_done(struct publish_image *image)
{
	char *words[] = { image->name, image->version, image->description, image->warning, image->stem };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		free(words[i]);
	file_done(&image->vm);
	file_done(&image->ct);
	*image = (struct publish_image){ 0 };
}
