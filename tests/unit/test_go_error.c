/* SPDX-License-Identifier: Apache-2.0 */
/* What Go 1.26 prints when modules are missing, changed or too new, and the sentence that becomes of it. */
#include "builder/gomod/go_error.h"

#include "lib/macro.h"
#include "tests/unit/check.h"

#define BEFORE "env: exit status 1: much"

static const struct {
	const char *said;
	bool network;
	enum error_class class;
	const char *sentence;
} rows[] = {
	{ "go: downloading example.org/a v1.0.0\ngo: nodekiln imports\n\texample.org/b/cmd imports\n"
	  "\texample.org/a: example.org/a@v1.0.0: reading file:///m/example.org/a/@v/v1.0.0.zip: no such file or "
	  "directory\n",
	  true, ERROR_NETWORK,
	  "example.org/a: example.org/a@v1.0.0: reading file:///m/example.org/a/@v/v1.0.0.zip: no such file or "
	  "directory; "
	  "add it there, or name a proxy in GOPROXY that serves it" },
	{ "go: module lookup disabled by GOPROXY=off\n", true, ERROR_NETWORK,
	  "module lookup disabled by GOPROXY=off; name a proxy or a mirror directory in GOPROXY" },
	{ "go: example.org/a@v1.0.0 requires go >= 1.99.0 (running go 1.26.1; GOTOOLCHAIN=local)\n", true, ERROR_INPUT,
	  "example.org/a@v1.0.0 requires go >= 1.99.0" },
	{ "verifying example.org/a@v1.0.0: checksum mismatch\n\tdownloaded: h1:x\n\tgo.sum:     h1:y\n\nSECURITY "
	  "ERROR\n",
	  true, ERROR_TRUST, "verifying example.org/a@v1.0.0: checksum mismatch; do not trust this proxy" },
	{ "go: a@v1: verifying go.mod: Get \"https://db.example.org/lookup/a@v1\": dial tcp: lookup db.example.org: no "
	  "such host\n",
	  true, ERROR_NETWORK,
	  "a@v1: verifying go.mod: Get \"https://db.example.org/lookup/a@v1\": dial tcp: lookup db.example.org: no "
	  "such host; "
	  "the checksum database has to confirm it; name modules that it need not know in GONOSUMDB" },
	{ "go: a@v1: verifying go.mod: a@v1/go.mod: reading tree note: malformed note\nnote:\n", true, ERROR_TRUST,
	  "a@v1: verifying go.mod: a@v1/go.mod: reading tree note: malformed note; do not trust this database of "
	  "checksums, or what is between it and you; see GOSUMDB" },
	{ "SECURITY ERROR\ngo.sum database server misbehavior detected!\n", true, ERROR_TRUST,
	  "go.sum database server misbehavior detected!; do not trust this database of checksums, or what is between "
	  "it and you; see GOSUMDB" },
	/* Without a network only what is wrong with files is of interest: a compiler may say anything. */
	{ "x.go:5:8: zip: checksum error\n", false, ERROR_TRUST, "x.go:5:8: zip: checksum error" },
	{ "gcc: not found\n", false, ERROR_COMMAND, BEFORE },
	{ "go: downloading example.org/GOPROXY v1.0.0\nx.go:1: undefined: y\n", true, ERROR_COMMAND, BEFORE },
	{ "", true, ERROR_COMMAND, BEFORE },
};

TEST(go_error_sentences)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(go_error_done) struct go_error why = { .network = rows[i].network };
		struct error err = { 0 };

		(void)error_set(&err, ERROR_COMMAND, BEFORE);
		go_error_add(&why, rows[i].said);
		go_error_explain(&why, &err);
		CHECK_STR(err.text, rows[i].sentence);
		CHECK(err.class == rows[i].class);
	}
}

TEST(go_error_names_proxies)
{
	CLEANUP(go_error_done) struct go_error why = { .network = true, .proxies = "https://p.invalid, off" };
	struct error err = { 0 };

	go_error_add(&why, "verifying example.org/a@v1.0.0: checksum mismatch");
	go_error_explain(&why, &err);
	CHECK_STR(err.text, "verifying example.org/a@v1.0.0: checksum mismatch; do not trust this proxy: GOPROXY is "
			    "https://p.invalid, off");
}

TEST(go_error_first_line_counts)
{
	CLEANUP(go_error_done) struct go_error why = { .network = true };
	struct error err = { 0 };

	go_error_add(&why, "go: a@v1: Get \"http://127.0.0.1:9/a\": dial tcp 127.0.0.1:9: connect: connection refused");
	go_error_add(&why, "go: b@v1: 404 Not Found");
	go_error_explain(&why, &err);
	CHECK(strstr(err.text, "a@v1: Get") == err.text && err.class == ERROR_NETWORK);
}
