/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/macro.h"
#include "lib/redact.h"
#include "tests/unit/check.h"

#define HEX64 "c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff"

TEST(redact_secrets_table)
{
	static const char *const cases[][2] = {
		{ "a c0ffee.c0ffeec0ffeec0ff z", "a (hidden) z" },
		{ "c0ffeec0-ffee-c0ff-eec0-ffeec0ffee00", "(hidden)" },
		{ HEX64 ".", "(hidden)." },
		{ HEX64 "00", "(hidden)" },
		{ "sha256:" HEX64, "sha256:" HEX64 },
		{ "sha25:" HEX64, "sha25:(hidden)" },
		{ "c0ffee.c0ffeec0ffeec0ff c0ffee.c0ffeec0ffeec0ff", "(hidden) (hidden)" },
		{ "C0FFEE.c0ffeec0ffeec0ff", "C0FFEE.c0ffeec0ffeec0ff" },
		{ "node.yaml:7: nothing to hide", "node.yaml:7: nothing to hide" },
		{ "parse \"http://user:pa55@proxy:x\": invalid port",
		  "parse \"http://(hidden)@proxy:x\": invalid port" },
		{ "http://u@proxy:3128/", "http://*@proxy:3128/" },
		{ "https://lab/a@b", "https://lab/a@b" },
		{ "https://s3/b?X-Amz-Signature=abcdef0123&x=1\": EOF",
		  "https://s3/b?X-Amz-Signature=(hidden)&x=1\": EOF" },
		{ "kubeadm join --token=abc", "kubeadm join --token=***" },
		{ "Authorization: Bearer eyJhbGciOiJSUzI1NiIs.e30.x", "Authorization: Bearer (hidden)" },
		{ "Basic things are in their place", "Basic things are in their place" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char message[160];

		strcpy(message, cases[i][0]);
		redact_secrets(message);
		CHECK_STR(message, cases[i][1]);
	}
}
