/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/verify.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/artifacts/artifacts.h"
#include "builder/artifacts/sha256sums.h"
#include "builder/artifacts/signature.h"
#include "builder/image/sysprep.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/text.h"

#define ABOUT_MAX (16 << 20)

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Without such a file there is nothing to check: a downloaded image may come alone. */
static int read_sums(struct verify *v, struct error *err)
{
	CLEANUP(free_p) char *directory = xasprintf("%.*s.", (int)(base_name(v->path) - v->path), v->path);
	CLEANUP(close_p) int dirfd = dir_open(AT_FDCWD, directory, err);
	struct text text = { 0 };

	if (dirfd < 0)
		return -1;
	if (faccessat(dirfd, ARTIFACTS_SUMS, F_OK, 0) < 0)
		return 0;
	int rc = file_read(dirfd, ARTIFACTS_SUMS, SHA256SUMS_SIZE_MAX, &text, err);
	v->sums = text_take(&text);
	return rc;
}

/* The artifact's line in SHA256SUMS. */
static int verify_sums(struct verify *v, struct error *err)
{
	CLEANUP(sha256sums_done) struct sha256sums sums = { 0 };
	const char *name = base_name(v->path);
	char got[SHA256_HEX];

	if (!v->sums)
		return 0;
	sha256sums_parse(v->sums, &sums);
	const char *want = sha256sums_find(&sums, name);
	if (!want) {
		faults_add(&v->faults, FAULT_CHECKSUM, NULL,
			   "%s in its directory has no line for %s; it is not one of the published artifacts",
			   ARTIFACTS_SUMS, name);
		return 0;
	}
	if (sha256_fd(image_fd(v->image), got, err) < 0)
		return -1;
	if (strcmp(got, want) != 0)
		faults_add(&v->faults, FAULT_CHECKSUM, NULL,
			   "its sha256 is %s, %s says %s; it was changed or truncated", got, ARTIFACTS_SUMS, want);
	return 0;
}

static int verify_sysprep(struct verify *v, struct error *err)
{
	return sysprep_check(v->image, &v->faults, err);
}

/* Reads image.json; runs first, because other checks compare with it. */
static int verify_about(struct verify *v, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	const struct image_entry *e;
	struct error broken = { 0 };
	int found = image_stat(v->image, VERIFY_ABOUT, &e, err);

	if (found < 0)
		return -1;
	if (!found) {
		faults_add(&v->faults, FAULT_ORIGIN, VERIFY_ABOUT, "%s is missing; nodekiln did not make this image",
			   VERIFY_ABOUT);
		return 0;
	}
	if (image_read(v->image, VERIFY_ABOUT, ABOUT_MAX, &text, err) < 0)
		return -1;
	if (json_parse(VERIFY_ABOUT, text.len ? text.data : "", text.len, &v->about, &broken) < 0) {
		faults_add(&v->faults, FAULT_ORIGIN, VERIFY_ABOUT, "%s", broken.text);
		return 0;
	}
	const char *claims = json_get_string(v->about, "artifact");
	const char *is = image_kind(v->image) == IMAGE_DISK ? "vm" : "lxc";
	if (!text_same(claims, is))
		faults_add(&v->faults, FAULT_ORIGIN, VERIFY_ABOUT,
			   "%s says artifact '%s', but the file is one for '%s'", VERIFY_ABOUT, claims ? claims : "",
			   is);
	return 0;
}

static int verify_packing(struct verify *v, struct error *err)
{
	return image_kind(v->image) == IMAGE_DISK ? verify_disk(v, err) : verify_tarball(v, err);
}

static int read_origins(struct verify *v, struct error *err)
{
	return origins_read(v->image, v->about, &v->origins, err);
}

/* In this order: verify_about() and read_origins() fill what the later ones compare with. */
static int (*const checks[])(struct verify *v, struct error *err) = {
	verify_sums,    verify_packing,    verify_about,    verify_sysprep,  read_origins,
	verify_units,   verify_kubernetes, verify_images,   verify_accounts, verify_rights,
	verify_secrets, verify_first_boot, verify_packages, verify_unknown,
};

/* gpgv is another program, so this is done while programs can be started. */
static int check_signature(struct verify *v, const char *keyring, struct error *err)
{
	CLEANUP(free_p) char *directory = xasprintf("%.*s.", (int)(base_name(v->path) - v->path), v->path);

	if (!v->sums) {
		faults_add(&v->faults, FAULT_SIGNATURE, NULL,
			   "there is no %s in its directory: nothing of it is signed", ARTIFACTS_SUMS);
		return 0;
	}
	if (signature_check(directory, keyring, v->sums, strlen(v->sums), err) == 0)
		return 0;
	if (err->class != ERROR_TRUST)
		return -1;
	faults_add(&v->faults, FAULT_SIGNATURE, NULL, "%s", err->text);
	*err = (struct error){ 0 };
	return 0;
}

int verify_open(const char *path, const struct verify_options *options, struct verify *ret, struct error *err)
{
	*ret = (struct verify){ .path = path, .faults.accept = options->accept };
	if (image_open(path, &ret->image, err) == 0 && read_sums(ret, err) == 0 &&
	    (!options->keyring || check_signature(ret, options->keyring, err) == 0))
		return 0;
	verify_done(ret);
	return -1;
}

int verify_load(struct verify *v, struct error *err)
{
	if (image_load(v->image, verify_wants, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i](v, err) < 0)
			return error_wrap(err, "verify %s", v->path);
	faults_end(&v->faults);
	return 0;
}

enum image_want verify_wants(const struct image_entry *e)
{
	static const char *const read[] = { VERIFY_CONTAINERD_STORE, VERIFY_DOCKER_STORE "/" };

	for (size_t i = 0; i < ARRAY_SIZE(read); i++)
		if (text_starts(e->path, read[i]))
			return IMAGE_KEEP;
	return !verify_in_store(e->path) || e->size <= VERIFY_SCAN_MAX ? IMAGE_KEEP : IMAGE_SKIP;
}

bool verify_in_store(const char *path)
{
	return text_starts(path, "/var/lib/containerd/") || text_starts(path, "/var/lib/docker/");
}

int verify_read(struct verify *v, const char *path, size_t limit, struct text *ret, struct error *err)
{
	const struct image_entry *e;
	int found = image_stat(v->image, path, &e, err);

	if (found <= 0 || !S_ISREG(e->mode))
		return found < 0 ? -1 : 0;
	if (image_read(v->image, path, limit, ret, err) < 0)
		return -1;
	return 1;
}

void verify_done(struct verify *v)
{
	origins_done(&v->origins);
	image_close_p(&v->image);
	free_p(&v->sums);
	json_free_p(&v->about);
	faults_done(&v->faults);
	*v = (struct verify){ 0 };
}
