/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One component of a lock as JSON. A lock file has a list of them; the cache keeps single ones, as solutions (gomod.h).
 */
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/json.h"

struct json *lock_component_json(const struct lock_component *c) MUST_CHECK;
/* Strict: an unknown key, a missing one or a wrong value is ERROR_INPUT. file and place are for messages. */
int lock_component_read(const char *file, const char *place, const struct json *object, struct lock_component *ret,
			struct error *err) MUST_CHECK;
void lock_component_done(struct lock_component *c);

/* "k8s.io/api", "github.com/BurntSushi/toml": the characters of https://go.dev/ref/mod#go-mod-file-ident, no element that is
 * empty or consists of dots. */
bool lock_module_path_is_valid(const char *path);
/* "v1.2.3", "v2.0.0+incompatible", "v0.0.0-20200101000000-abcdefabcdef". */
bool lock_module_version_is_valid(const char *version);
/* "h1:" and 32 bytes in base64. */
bool lock_module_sum_is_valid(const char *sum);
