/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What lock group `toolchain` is resolved from. The tree itself is kubernetes/toolchain.h's.
 */
#include "builder/recipe/recipe.h"

/* The packages that lock group `toolchain` must be made of, beside what is essential: a C compiler, the agent's libraries, and what
 * unpacks source packages; for debian-source Go as well. */
void lock_toolchain_packages(const struct recipe *recipe, struct strings *ret);
