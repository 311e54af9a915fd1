/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/host/kvm.h"

#include <unistd.h>

#include "tests/unit/check.h"

/* Whatever this host has: an answer soon, and a reason with a no. */
TEST(kvm_try_answers)
{
	struct error err = { 0 };
	int rc = kvm_try(&err);

	CHECK(rc == 0 ? !*err.text : err.class == ERROR_HOST && strstr(err.text, "KVM: "));
	CHECK(access("/dev/kvm", R_OK | W_OK) == 0 || rc < 0);
}
