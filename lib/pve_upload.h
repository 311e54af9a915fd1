/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Uploads into a storage of Proxmox VE, as its parser wants them (src/PVE/APIServer/AnyEvent.pm): the fields in this order, the
 * file last, values quoted, the boundary not. When a read of the server ends inside the file part's headers, it writes the rest
 * of them INTO the file. So everything before the data, and the first of the data, goes out in one TLS record; and the server
 * always gets the checksum.
 *
 * The file is read while it is sent: memory does not grow with it.
 */
#include "lib/hash.h"
#include "lib/pve.h"

#define PVE_UPLOAD_BOUNDARY 41       /* characters and a NUL */
#define PVE_UPLOAD_PREAMBLE_MAX 2048 /* bytes; a TLS record holds 16384 */
#define PVE_UPLOAD_NAME_MAX 255      /* PVE's limit of a file's name */

struct pve_upload {
	const char *node, *storage; /* all borrowed */
	const char *content;        /* "iso", "vztmpl", "import" */
	const char *name;           /* its name there; only [A-Za-z0-9_.-], others would become _ */
	int fd;                     /* read from offset 0 */
	uint64_t size;
	char sha256[SHA256_HEX];
	void (*progress)(void *context, uint64_t done, uint64_t total); /* NULL = nobody wants to know */
	void *context;
};

/* *ret_upid: the task that checks the sum and puts the file in place; wait for it. An answer that got lost (PVE_UNREACHABLE) says
 * nothing about the file: look whether it is there before sending it again. */
int pve_upload(struct pve *pve, const struct pve_upload *upload, char **ret_upid, struct error *err) MUST_CHECK;

/* What stands before and after the data. Pure. ERROR_INPUT for a name that PVE would change. */
int pve_upload_frame(const struct pve_upload *upload, const char *boundary, struct text *ret_before,
		     struct text *ret_after, struct error *err) MUST_CHECK;
