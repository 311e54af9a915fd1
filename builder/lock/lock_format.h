/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The lock file, shared by its writer (lock_json.c) and its strict reader (lock_read.c):
 *
 *	{ "nodekiln_lock": 4, "recipe_digest": HEX, "kubernetes_version": "1.20.2" or null,
 *	  "repositories": [ URL/, ... ],
 *	  "packages": { "base": [ { "name", "version", "architecture", "repository": index, "path", "sha256", "size",
 *	                            "installed" }, ... ], "vm": [], "lxc": [], "extra-vm": [], "extra-lxc": [], "toolchain": [],
 *	                "image": [], "go": [] },
 *	  "components": [ { "name", "version", "source": "go-modules", "date": seconds since 1970,
 *	                    "go_package": "golang-1.26-go", "go_mod": TEXT,
 *	                    "modules": [ "PATH VERSION SUM SUM-OF-GO.MOD", ... ] }, ... ],
 *	  "sources": [ { "name", "version", "files": [ { "name", "url", "sha256", "size" }, ... ] }, ... ],
 *	  "binaries": [ as "files" ] }
 *
 * All keys are required except "kubernetes_version"; "go_package" and "go_mod" are null unless the source is go-modules. A SUM
 * is as in go.sum, "-" when only the module's go.mod is needed. "repositories" is sorted; each URL ends in a slash, and "repository" is an
 * index into it. Packages are sorted by name within their group, "sources" and "components" by name, "modules" by path and version. Sizes are bytes; 0 = unknown.
 */
#include "builder/lock/lock.h"

#define LOCK_FORMAT 4
#define LOCK_TEXT_MAX (16 << 20)
#define LOCK_PACKAGES_MAX 20000 /* in one group; a full desktop has 3000 */
#define LOCK_FILES_MAX 1000     /* in one source package, or in binaries */
#define LOCK_SOURCES_MAX 100
#define LOCK_COMPONENTS_MAX 100
#define LOCK_MODULES_MAX 20000           /* of one component; Kubernetes has 500 */
#define LOCK_MODULE_PATH_MAX 500         /* characters of a module's path or version */
#define LOCK_FILE_BYTES_MAX (16ll << 30) /* of one package or file */
