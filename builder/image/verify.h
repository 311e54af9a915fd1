/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The checks that a finished artifact must pass before it is published. Reads only the file (and SHA256SUMS in the
 * same directory), through image_reader.h; /etc/nodekiln/image.json in the image names its intended content.
 */
#include "builder/image/fault.h"
#include "builder/image/image_reader.h"
#include "builder/image/origin.h"
#include "lib/error.h"
#include "lib/json.h"

#define VERIFY_ABOUT "/etc/nodekiln/image.json"
#define VERIFY_CONTAINERD_STORE "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
#define VERIFY_DOCKER_STORE "/var/lib/docker/image/overlay2"
#define VERIFY_SCAN_MAX (1u << 20) /* bytes of a file that are searched for secrets */

struct verify {
	const char *path;       /* borrowed; of the artifact */
	struct image *image;    /* owned */
	char *sums;             /* owned; the text of SHA256SUMS in its directory; NULL when there is none */
	struct json *about;     /* owned; image.json; NULL when it is missing or broken, which is a finding */
	struct origins origins; /* owned; which package or step has a file */
	struct faults faults;
};

struct verify_options {
	const struct strings *accept; /* borrowed, see struct faults; may be NULL */
	const char *keyring; /* borrowed; SHA256SUMS must be signed by one of its keys; NULL = need not be signed */
};
/* Opens the artifact, reads SHA256SUMS and checks its signature. */
int verify_open(const char *path, const struct verify_options *options, struct verify *ret, struct error *err)
	MUST_CHECK;
/* Reads the artifact and finds its faults; opens nothing. -1 only when it cannot be read; a fault in it is a finding. */
int verify_load(struct verify *v, struct error *err) MUST_CHECK;
void verify_done(struct verify *v);

/* Its parts: verify_container.c checks what contains the guest; verify_guest.c and verify_images.c that a node has what it needs;
 * the others, one file each, that nothing else is in it. */
int verify_units(struct verify *v, struct error *err) MUST_CHECK;
int verify_kubernetes(struct verify *v, struct error *err) MUST_CHECK;
int verify_images(struct verify *v, struct error *err) MUST_CHECK;
int verify_accounts(struct verify *v, struct error *err) MUST_CHECK;
int verify_rights(struct verify *v, struct error *err) MUST_CHECK;
int verify_secrets(struct verify *v, struct error *err) MUST_CHECK;
int verify_first_boot(struct verify *v, struct error *err) MUST_CHECK;
int verify_packages(struct verify *v, struct error *err) MUST_CHECK;
int verify_unknown(struct verify *v, struct error *err) MUST_CHECK;
int verify_disk(struct verify *v, struct error *err) MUST_CHECK;
int verify_tarball(struct verify *v, struct error *err) MUST_CHECK;

/* Pure: the value of `key = "value"` in TOML text, with either kind of quotes; NULL when there is none. Owned by the
 * caller. */
char *verify_toml_string(const char *toml, const char *key) MUST_CHECK;
/* Which contents are read: those of a runtime's store only when they are small. */
image_want_fn verify_wants;
/* The first name that passwd(5) has for this user; NULL = none. Owned by the caller. */
char *verify_account(struct verify *v, uint32_t uid) MUST_CHECK;
/* Whether a package, an overlay, a step of the build or a row of made.h accounts for the entry. */
bool verify_is_known(const struct verify *v, const struct image_entry *e);
/* Pure: whether a file with this path is in a runtime's store: the layers of preloaded images. */
bool verify_in_store(const char *path);
/* 1 and the file's text, 0 when it is missing or not a regular file; more than limit bytes are an error. */
int verify_read(struct verify *v, const char *path, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
/* Pure: whether this unit file must be enabled to start: its [Install] has WantedBy= or the like. */
bool verify_unit_needs_enabling(const char *unit);
