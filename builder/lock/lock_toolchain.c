/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_toolchain.h"

#include "lib/text.h"

static const char *const compiler_packages[] = {
	"gcc", "libc6-dev", "libyaml-dev", "libjson-c-dev", "libssl-dev", "libblkid-dev", "dpkg-dev",
};

/* The suite with Mbed TLS 3.6. That of Debian 12 is without TLS 1.3, and its branch has ended. */
static const char suite_with_mbedtls[] = "trixie";

const char *const lock_static_packages[] = { MBEDTLS_PACKAGE, "libyaml-dev", "libjson-c-dev" };
_Static_assert(ARRAY_SIZE(lock_static_packages) == LOCK_STATIC_PACKAGES, "LOCK_STATIC_PACKAGES is wrong");

enum agent_link lock_agent_link(const struct lock *lock)
{
	if (!lock_source(lock, LIBCURL_SOURCE))
		return AGENT_LINK_PACKAGED;
	return lock_find(lock, LOCK_TOOLCHAIN, MBEDTLS_PACKAGE) ? AGENT_LINK_STATIC : AGENT_LINK_SHARED;
}

void lock_toolchain_packages(const struct recipe *recipe, struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(compiler_packages); i++)
		strings_add(ret, compiler_packages[i]);
	if (recipe->agent.libcurl == AGENT_LIBCURL_PACKAGED)
		strings_add(ret, "libcurl4-openssl-dev");
	else if (text_same(recipe->distribution.suite, suite_with_mbedtls))
		strings_add(ret, MBEDTLS_PACKAGE);
	for (size_t i = 0; i < recipe->components.n; i++)
		if (recipe->components.at[i].source == COMPONENT_DEBIAN_SOURCE)
			strings_append(ret, &recipe->components.at[i].debian.packages);
}
