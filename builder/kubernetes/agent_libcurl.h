/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The agent's own libcurl: HTTP and HTTPS over OpenSSL and nothing else, compiled from the distribution's source package with its
 * security patches. The packaged one comes with thirty libraries (LDAP, Kerberos, SSH, ...), and mapping them is a third of all
 * the memory that the agent ever takes. For mirrors without source packages there is `agent.libcurl: packaged`: then the lock names no
 * source of curl, and the agent is linked with the packaged one.
 */
#include <stdbool.h>

#include "builder/kubernetes/toolchain.h"
#include "builder/lock/lock.h"
#include "lib/error.h"

/* Below what agent_libcurl_make() returns: for the compiler, and what goes into the guest. */
#define LIBCURL_INCLUDE "include"
#define LIBCURL_GUEST "guest"
#define LIBCURL_FILE "usr/lib/nodekiln/libcurl.so.4"

bool libcurl_is_compiled(const struct lock *lock);
/* Of its source, if there is one, its compilers and its options: the agent's own source does not count. */
void agent_libcurl_key(const struct lock *lock, char ret_hex[SHA256_HEX]);
/* Only of a lock that has its source. Compiles it, or finds it in the cache: *ret_path, owned by the caller, is the cache's directory. */
int agent_libcurl_make(const struct toolchain *t, char **ret_path, struct error *err) MUST_CHECK;
