/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_toolchain.h"

static const char *const compiler_packages[] = {
	"gcc", "libc6-dev", "libyaml-dev", "libjson-c-dev", "libssl-dev", "libblkid-dev", "libmount-dev", "dpkg-dev",
};

void lock_toolchain_packages(const struct recipe *recipe, struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(compiler_packages); i++)
		strings_add(ret, compiler_packages[i]);
	if (recipe->agent.libcurl == AGENT_LIBCURL_PACKAGED)
		strings_add(ret, "libcurl4-openssl-dev");
	for (size_t i = 0; i < recipe->components.n; i++)
		if (recipe->components.at[i].source == COMPONENT_DEBIAN_SOURCE)
			strings_append(ret, &recipe->components.at[i].debian.packages);
}
