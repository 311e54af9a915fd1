/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The packages that lock group `toolchain` is resolved from. kubernetes/toolchain.h makes the tree.
 */
#include "builder/recipe/recipe.h"

/* The source package that the agent's libcurl is compiled from; a lock without it has the packaged libcurl. */
#define LIBCURL_SOURCE "curl"

/* Adds the packages that lock group `toolchain` contains in addition to essential ones: a C compiler, the agent's
 * libraries, the tools that unpack source packages, and for debian-source Go. */
void lock_toolchain_packages(const struct recipe *recipe, struct strings *ret);
