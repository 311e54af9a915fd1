/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The agent's own libcurl: only HTTP and HTTPS over OpenSSL, compiled from the distribution's source package with its
 * security patches. The packaged libcurl depends on thirty libraries (LDAP, Kerberos, SSH, ...), and mapping them takes a
 * third of the agent's peak memory. `agent.libcurl: packaged` is for mirrors without source packages: the lock then has no
 * source of curl, and the agent is linked with the packaged libcurl.
 */
#include <stdbool.h>

#include "builder/lock/lock.h"
#include "builder/toolchain/toolchain.h"
#include "lib/error.h"
#include "lib/hash.h"

/* Paths below *ret_path of agent_libcurl_make(): the headers, and the tree that is copied over the guest's; LIBCURL_FILE is
 * in it. */
#define LIBCURL_INCLUDE "include"
#define LIBCURL_GUEST "guest"
#define LIBCURL_FILE "usr/lib/nodekiln/libcurl.so.4"

bool libcurl_is_compiled(const struct lock *lock);
/* Cache key: source (if the lock has it), compilers and options. It does not depend on the agent's own source. */
void agent_libcurl_key(const struct lock *lock, char ret_hex[SHA256_HEX]);
/* Compiles libcurl or finds it in the cache; the lock must have its source. *ret_path, owned by the caller, is its
 * directory there. */
int agent_libcurl_make(const struct toolchain *t, char **ret_path, struct error *err) MUST_CHECK;
