/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_toolchain.h"

static const char *const compiler_packages[] = {
	"gcc", "libc6-dev", "libyaml-dev", "libjson-c-dev", "libssl-dev", "libblkid-dev", "libmount-dev", "dpkg-dev",
};
/* reflect2: the version that Kubernetes 1.20 vendors does not work with Go 1.18 and later. */
static const char *const kubernetes_packages[] = { "golang-go", "golang-github-modern-go-reflect2-dev", "grep" };

void lock_toolchain_packages(const struct recipe *recipe, struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(compiler_packages); i++)
		strings_add(ret, compiler_packages[i]);
	if (recipe->agent.libcurl == AGENT_LIBCURL_PACKAGED)
		strings_add(ret, "libcurl4-openssl-dev");
	if (recipe->kubernetes.source != KUBERNETES_DEBIAN_SOURCE)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kubernetes_packages); i++)
		strings_add(ret, kubernetes_packages[i]);
}
