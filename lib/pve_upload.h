/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Uploads into a storage of Proxmox VE, in the form that its parser requires (src/PVE/APIServer/AnyEvent.pm): the fields in this
 * order, the file last, values quoted, the boundary not. When a read(2) of the server ends inside the file part's headers, the
 * server writes the rest of the headers INTO the file. So everything before the data goes out in one TLS record together with the
 * first data, and the server always gets the checksum.
 *
 * The file is read while it is sent: memory use does not depend on its size.
 */
#include <stdint.h>

#include "lib/error.h"
#include "lib/hash.h"
#include "lib/macro.h"
#include "lib/pve.h"
#include "lib/text.h"

#define PVE_UPLOAD_BOUNDARY 41       /* characters and a NUL */
#define PVE_UPLOAD_PREAMBLE_MAX 2048 /* bytes; a TLS record holds 16384 */
#define PVE_UPLOAD_NAME_MAX 255      /* PVE's limit of a file's name */

struct pve_upload {
	const char *node, *storage; /* all borrowed */
	const char *content;        /* "iso", "vztmpl", "import" */
	const char *name; /* the file's name in the storage; only [A-Za-z0-9_.-], PVE would change others to _ */
	int fd;           /* read from offset 0 */
	uint64_t size;
	char sha256[SHA256_HEX];
	void (*progress)(void *context, uint64_t done, uint64_t total); /* NULL = none */
	void *context;
};

/* *ret_upid, owned by the caller: the task that verifies the checksum and moves the file into place; wait for it. When the
 * answer is lost (PVE_UNREACHABLE), the file may have been stored: check before sending it again. */
int pve_upload(struct pve *pve, const struct pve_upload *upload, char **ret_upid, struct error *err) MUST_CHECK;

/* The parts of the body before and after the data. Pure. ERROR_INPUT for a name that PVE would change. */
int pve_upload_frame(const struct pve_upload *upload, const char *boundary, struct text *ret_before,
		     struct text *ret_after, struct error *err) MUST_CHECK;
