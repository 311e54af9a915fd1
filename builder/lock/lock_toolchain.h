/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The packages that lock group `toolchain` is resolved from. kubernetes/toolchain.h makes the tree.
 */
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"

/* The source package that the agent's libcurl is compiled from; a lock without it has the packaged libcurl. */
#define LIBCURL_SOURCE "curl"
/* The package of the toolchain with Mbed TLS' static libraries. */
#define MBEDTLS_PACKAGE "libmbedtls-dev"

/* How the agent is linked; toolchain/agent_libcurl.h gives the reasons. The packages of a lock decide. */
enum agent_link {
	AGENT_LINK_PACKAGED, /* the guest's libcurl, and OpenSSL */
	AGENT_LINK_SHARED,   /* a libcurl.so of its own, and the guest's OpenSSL */
	AGENT_LINK_STATIC,   /* libcurl, Mbed TLS, libyaml and json-c are parts of the program */
};
enum agent_link lock_agent_link(const struct lock *lock);
/* The packages of the toolchain whose libraries are parts of a program of AGENT_LINK_STATIC, in addition to libcurl. */
extern const char *const lock_static_packages[];
#define LOCK_STATIC_PACKAGES 3

/* Adds the packages that lock group `toolchain` contains in addition to essential ones: a C compiler, the agent's
 * libraries, the tools that unpack source packages, and for debian-source Go. */
void lock_toolchain_packages(const struct recipe *recipe, struct strings *ret);
