/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the files that fill struct facts; not for other files. Each fills its own fields and never fails:
 * a field whose source is missing stays empty.
 */
#include "agent/facts.h"
#include "agent/guest_file.h"

#define FACTS_IMAGE_FILE "etc/nodekiln/image.json" /* the builder's description of this image */

/* facts_container.c: what the host allows; needs the fields of facts_software(). */
void facts_container(int rootfd, struct facts *m);
void facts_runc(struct facts *m);                 /* facts_runc.c: sysctls_refused, runc_version */
void facts_identity(int rootfd, struct facts *m); /* facts_identity.c: uuid, macs, address, ports */
void facts_software(int rootfd, struct facts *m); /* facts_software.c: kubeadm, runtime, image, leftovers */
