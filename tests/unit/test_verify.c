/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/verify.h"
#include "tests/unit/check.h"

TEST(verify_toml_string_finds)
{
	static const char toml[] = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n"
				   "  # sandbox_image = \"wrong\"\n"
				   "  sandbox_image_of = \"wrong\"\n"
				   "  sandbox_image = \"k8s.gcr.io/pause:3.2\"\n"
				   "\tsandbox='registry/pause:3.10'\n"
				   "number = 3\nopen = \"never closed\n";
	CLEANUP(free_p) char *image = verify_toml_string(toml, "sandbox_image");
	CLEANUP(free_p) char *sandbox = verify_toml_string(toml, "sandbox");
	CLEANUP(free_p) char *number = verify_toml_string(toml, "number");
	CLEANUP(free_p) char *missing = verify_toml_string(toml, "missing");

	CHECK_STR(image, "k8s.gcr.io/pause:3.2");
	CHECK_STR(sandbox, "registry/pause:3.10");
	CHECK(!number && !missing);
	CLEANUP(free_p) char *empty = verify_toml_string("", "x");
	CLEANUP(free_p) char *cut = verify_toml_string("x = ", "x");
	CHECK(!empty && !cut);
}

TEST(verify_unit_needs_enabling_by_install_section)
{
	CHECK(verify_unit_needs_enabling("[Unit]\nDescription=x\n[Install]\nWantedBy=multi-user.target\n"));
	CHECK(verify_unit_needs_enabling("[Install]\nAlias=a\nRequiredBy=b.target"));
	CHECK(!verify_unit_needs_enabling("[Unit]\nWantedBy=nonsense\n[Install]\n"));
	CHECK(!verify_unit_needs_enabling("[Install]\nAlso=x.socket\n[Service]\nWantedBy=nonsense\n"));
	CHECK(!verify_unit_needs_enabling(""));
}
