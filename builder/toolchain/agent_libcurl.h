/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The agent's own libcurl: only HTTP and HTTPS, compiled from the distribution's source package with its security patches. The
 * packaged libcurl depends on thirty libraries (LDAP, Kerberos, SSH, ...), and mapping them takes a third of the agent's peak
 * memory. OpenSSL 3.5 alone, as Debian 13 has it, takes another 6 MiB: there libcurl is a static library over Mbed TLS, which takes
 * half a MiB. On Debian 12 it is a shared library over OpenSSL. `agent.libcurl: packaged` is for mirrors without source packages:
 * the lock then has no source of curl, and the agent is linked with the packaged libcurl. enum agent_link has the three.
 */
#include <stdbool.h>

#include "builder/lock/lock.h"
#include "builder/toolchain/toolchain.h"
#include "lib/error.h"
#include "lib/hash.h"

/* Paths below *ret_path of agent_libcurl_make(): the headers, the tree that is copied over the guest's, and the static library.
 * LIBCURL_FILE, the shared one, is in the guest's tree. */
#define LIBCURL_INCLUDE "include"
#define LIBCURL_GUEST "guest"
#define LIBCURL_FILE "usr/lib/nodekiln/libcurl.so.4"
#define LIBCURL_ARCHIVE "libcurl.a"

/* Cache key: source (if the lock has it), compilers and options. It does not depend on the agent's own source. */
void agent_libcurl_key(const struct lock *lock, char ret_hex[SHA256_HEX]);
/* Compiles libcurl or finds it in the cache; the lock must have its source. *ret_path, owned by the caller, is its
 * directory there. */
int agent_libcurl_make(const struct toolchain *t, char **ret_path, struct error *err) MUST_CHECK;
