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
	CHECK_STR(goproxy_directory(proxy.list.at[1].url), "/m");
	CHECK(!goproxy_directory(proxy.list.at[2].url));
	CHECK(proxy.list.at[3].kind == GOPROXY_DIRECT);
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
