/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/package_request.h"
#include "tests/unit/check.h"

static struct recipe small(void)
{
	struct recipe r = { .architecture = xstrdup("amd64") };

	r.distribution.suite = xstrdup("bookworm");
	r.distribution.keyring = xstrdup("/usr/share/keyrings/debian-archive-keyring.gpg");
	strings_add(&r.distribution.components, "main");
	return r;
}

TEST(package_request_upstream_versions)
{
	static const char *const cases[][2] = {
		{ "1.20.5+really1.20.2-1.1+deb12u1", "1.20.2" },
		{ "1.34.1-1.1", "1.34.1" },
		{ "2:1.30.0~rc1-1", "1.30.0" },
		{ "1.33.4+snapshot-1", "1.33.4" },
		{ "1.29", "1.29" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *got = package_request_upstream_version(cases[i][0]);
		CHECK_STR(got, cases[i][1]);
	}
}

TEST(package_request_pins_kubernetes)
{
	CLEANUP(recipe_done) struct recipe r = small();
	CLEANUP(package_request_done) struct package_request release = { 0 }, minor = { 0 };
	struct error err = { 0 };

	r.kubernetes.source = KUBERNETES_PACKAGES;
	r.kubernetes.version = xstrdup("1.34.1");
	strings_add(&r.kubernetes.packages, "cri-tools");
	CHECK(package_request_make(&r, &release, &err) == 0);
	CHECK(strings_has(&release.group[LOCK_BASE], "kubelet=1.34.1-*"));
	CHECK(strings_has(&release.group[LOCK_BASE], "kubeadm=1.34.1-*"));
	CHECK(strings_has(&release.group[LOCK_BASE], "cri-tools"));
	free(r.kubernetes.version);
	r.kubernetes.version = xstrdup("1.34");
	CHECK(package_request_make(&r, &minor, &err) == 0);
	CHECK(strings_has(&minor.group[LOCK_BASE], "kubectl=1.34.*"));
}

TEST(package_request_kernels)
{
	static const char *const names[] = {
		[KERNEL_CLOUD] = "linux-image-cloud-amd64", [KERNEL_GENERIC] = "linux-image-amd64"
	};
	struct error err = { 0 };

	for (enum kernel kernel = KERNEL_NONE; kernel <= KERNEL_GENERIC; kernel++) {
		CLEANUP(recipe_done) struct recipe r = small();
		CLEANUP(package_request_done) struct package_request request = { 0 };

		r.kernel = kernel;
		CHECK(package_request_make(&r, &request, &err) == 0);
		CHECK(request.group[LOCK_VM].n == (kernel != KERNEL_NONE));
		CHECK(kernel == KERNEL_NONE || strings_has(&request.group[LOCK_VM], names[kernel]));
		CHECK(request.group[LOCK_BASE].n > 0 && request.group[LOCK_LXC].n == 0);
	}
}

TEST(package_request_unknown_variant)
{
	CLEANUP(recipe_done) struct recipe r = small();
	CLEANUP(package_request_done) struct package_request request = { 0 };
	struct error err = { 0 };

	r.distribution.variant = xstrdup("minbase");
	CHECK(package_request_make(&r, &request, &err) == -1);
	CHECK(err.class == ERROR_INPUT && strstr(err.text, "minbase"));
}
