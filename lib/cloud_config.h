/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which keys of a cloud-config cloud-init carries out. Each key belongs to a module, and an image's cloud.cfg names the modules that
 * run: cloud-init skips the other keys without a word, and those that it does not know. Nodes run few modules
 * (rootfs-overlays/vm/etc/cloud/cloud.cfg.d/90_nodekiln.cfg has the reasons). Pure.
 */
#include <stdbool.h>

#include "lib/text.h"
#include "lib/vec.h"
#include "lib/yaml.h"

#define CLOUD_STAGES 3

/* A zeroed value runs nothing. */
struct cloud_modules {
	struct strings stage[CLOUD_STAGES]; /* owned; names with dashes: "write-files" */
	bool known;                         /* a document named some */
};

enum cloud_fault { CLOUD_IGNORED, CLOUD_UNKNOWN, CLOUD_HARMFUL };

struct cloud_finding {
	const struct yaml *at; /* borrowed; the key */
	enum cloud_fault fault;
	const char *advice; /* static; what to do instead, or why it does not matter; "" = none */
};

struct cloud_findings {
	VEC(struct cloud_finding) list;
};

/* Takes over the lists of modules that the document has: cloud.cfg, then the files of cloud.cfg.d in the order of their names, then a
 * user's cloud-config, which may have them, too. */
void cloud_modules_read(const struct yaml *document, struct cloud_modules *ret);
void cloud_modules_done(struct cloud_modules *modules);

/* The keys of the cloud-config that ask for something that does not happen (a false asks for nothing), in their order. */
void cloud_config_check(const struct yaml *config, const struct cloud_modules *modules, struct cloud_findings *ret);
void cloud_findings_done(struct cloud_findings *findings);
/* Appends a sentence about one: "'packages' is not carried out by cloud-init in this image: ...". */
void cloud_finding_text(const struct cloud_finding *finding, struct text *ret);
