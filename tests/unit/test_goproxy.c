/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/goproxy.h"

#include "builder/gomod/go_settings.h"
#include "lib/alloc.h"
#include "tests/unit/check.h"

TEST(goproxy_parse_list)
{
	CLEANUP(goproxy_done) struct goproxy proxy = { 0 };
	struct error err = { 0 };

	CHECK(goproxy_parse("https://a.invalid/x/ , file:///m|http://b.invalid,direct,https://never.invalid", &proxy,
			    &err) == 0);
	CHECK(proxy.list.n == 4);
	CHECK_STR(proxy.list.at[0].url, "https://a.invalid/x");
	CHECK(!proxy.list.at[0].on_failure && proxy.list.at[1].on_failure && !proxy.list.at[2].on_failure);
	CHECK_STR(proxy.list.at[1].directory, "/m");
	CHECK(!proxy.list.at[2].directory);
	CHECK(proxy.list.at[3].kind == GOPROXY_DIRECT);
}

/* What Go's newProxyRepo() makes of them (cmd/go/internal/modfetch/proxy.go). directory NULL: it refuses the entry. */
static const struct {
	const char *entry, *directory, *url;
} files[] = {
	{ "file:///a b", "/a b", "file:///a%20b" },
	{ "file:///a%20b/", "/a b", "file:///a%20b" },
	{ "FILE:///a:b", "/a:b", "file:///a:b" },
	{ "file:///a%2Cb%7cc", "/a,b|c", "file:///a%2Cb%7Cc" },
	{ "file:///100%25/x+y@z", "/100%/x+y@z", "file:///100%25/x+y@z" },
	{ "file:///\xc3\xa4", "/\xc3\xa4", "file:///%C3%A4" },
	{ "file:////a//b/./c/../d", "/a/b/d", "file:///a/b/d" },
	{ "file:///../a%2f..%2fb", "/b", "file:///b" },
	{ "file:///", "", "file://" },
	{ "file:///a#", "/a", "file:///a" },
	{ "file:///a%2", NULL, NULL },
	{ "file:///a%zz", NULL, NULL },
	{ "file:///a%00", NULL, NULL },
	{ "file:///a?b", NULL, NULL },
	{ "file:///a#b", NULL, NULL },
	{ "file:///a\tb", NULL, NULL },
	{ "file://localhost/a", NULL, NULL },
	{ "file:/a", NULL, NULL },
	{ "/a", NULL, NULL },
	{ "word", NULL, NULL },
};

TEST(goproxy_parse_files)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(goproxy_done) struct goproxy proxy = { 0 };
		struct error err = { 0 };
		int rc = goproxy_parse(files[i].entry, &proxy, &err);

		CHECK_STR(rc < 0 ? "refused" : files[i].entry, files[i].directory ? files[i].entry : "refused");
		if (rc < 0) {
			CHECK(err.class == ERROR_INPUT && text_starts(err.text, "GOPROXY has the entry '"));
			continue;
		}
		CHECK_STR(proxy.list.at[0].directory, files[i].directory);
		CHECK_STR(proxy.list.at[0].url, files[i].url);
	}
}

TEST(goproxy_text_hides_passwords)
{
	CLEANUP(goproxy_done) struct goproxy proxy = { 0 };
	struct error err = { 0 };

	CHECK(goproxy_parse("https://me:p@ss@a.invalid/x@y/|b.invalid,file:///m n,off", &proxy, &err) == 0);
	CLEANUP(free_p) char *text = goproxy_text(&proxy);
	CHECK_STR(text, "https://a.invalid/x@y, https://b.invalid, file:///m%20n, off");
}

TEST(goproxy_parse_without_scheme)
{
	CLEANUP(goproxy_done) struct goproxy proxy = { 0 };
	struct error err = { 0 };

	CHECK(goproxy_parse("proxy.invalid,host:8080/path/", &proxy, &err) == 0 && proxy.list.n == 2);
	CHECK_STR(proxy.list.at[0].url, "https://proxy.invalid");
	CHECK_STR(proxy.list.at[1].url, "https://host:8080/path");
}

TEST(goproxy_parse_refuses)
{
	CLEANUP(goproxy_done) struct goproxy proxy = { 0 };
	struct error err = { 0 };

	CHECK(goproxy_parse("gopher://x", &proxy, &err) < 0 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "'gopher://x'"));
	CHECK(goproxy_parse(" , ", &proxy, &err) < 0);
	CHECK_STR(err.text, "GOPROXY has no entry; set a URL, direct or off");
}

TEST(goproxy_file_escapes)
{
	CLEANUP(free_p)
	char *file = goproxy_file("github.com/BurntSushi/toml", "v1.0.0-RC1", ".zip");

	CHECK_STR(file, "github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.zip");
}

TEST(goproxy_matches_prefixes)
{
	CHECK(goproxy_matches("*.corp.example,rsc.io/private", "git.corp.example/xyzzy"));
	CHECK(goproxy_matches("*.corp.example,rsc.io/private", "rsc.io/private/quux"));
	CHECK(!goproxy_matches("*.corp.example,rsc.io/private", "rsc.io/privateer"));
	CHECK(!goproxy_matches("rsc.io/private", "rsc.io"));
	CHECK(!goproxy_matches(NULL, "rsc.io") && !goproxy_matches("", "rsc.io"));
}

TEST(go_settings_of_file)
{
	CLEANUP(strings_done) struct strings settings = { 0 };

	strings_add(&settings, "GOSUMDB=off");
	go_settings_parse(
		"# comment\nGOPROXY=https://a.invalid\nGOSUMDB=sum.invalid\nGOFLAGS=-x\nHTTPS_PROXY=x\nGOPRIVATE=\n",
		&settings);
	CHECK(settings.n == 2);
	CHECK_STR(go_settings_get(&settings, "GOPROXY"), "https://a.invalid");
	CHECK_STR(go_settings_get(&settings, "GOSUMDB"), "off");
	CHECK(!go_settings_get(&settings, "GOFLAGS") && !go_settings_get(&settings, "GOPRIVATE"));
}
