/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/proxy.h"
#include "tests/unit/fake_root.h"

/* proxy_read_apt() adds: each test has servers of its own, and this is the first one. */
TEST(proxy_none_leaves_it_to_the_environment)
{
	CLEANUP(text_done) struct text conf = { 0 };

	proxy_read_apt("");
	proxy_read_apt(
		"APT::Architecture amd64\nAcquire::http::Timeout 20\nAcquire::http::Proxy \nAcquire::http\nProxy x\n");
	CHECK(!proxy_find("http://mirror.lab/debian"));
	proxy_apt_conf(&conf);
	CHECK(conf.len == 0);
}

/* The order is apt's: methods/http.cc, HttpServerState::Open(). */
TEST(proxy_of_a_server_then_of_all)
{
	static const char *const urls[][2] = {
		{ "http://mirror.lab/debian/x", "http://cache.lab:3142" },
		{ "http://direct.lab:8080/debian", "" },
		{ "http://own.lab/x", "http://me:s3cret@own.lab:3128" },
		{ "http://OWN.lab/x", "http://cache.lab:3142" },
		{ "http://[fd00::1]:80/x", "" },
		/* https has no setting for all, so that http's counts */
		{ "https://mirror.lab/debian", "http://cache.lab:3142" },
		{ "https://tls.lab/debian", "socks5h://tls.lab:1080" },
		{ "https://direct.lab/x", "" },
		{ "file:///srv/debian", NULL },
	};
	CLEANUP(text_done) struct text conf = { 0 };

	proxy_read_apt(
		"Acquire::http::Proxy http://old.lab:1\nAcquire::HTTP::proxy http://cache.lab:3142\n"
		"Acquire::http::Proxy::direct.lab DIRECT\nAcquire::http::Proxy::own.lab http://me:s3cret@own.lab:3128\n"
		"Acquire::http::Proxy::fd00::1 false\nAcquire::https::Proxy::tls.lab socks5h://tls.lab:1080\n"
		"Acquire::http::Proxy::quote.lab http://\"x\n");
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		const char *found = proxy_find(urls[i][0]);
		if (urls[i][1])
			CHECK_STR(found, urls[i][1]);
		else
			CHECK(!found);
	}
	proxy_apt_conf(&conf);
	CHECK(strstr(conf.data, "Acquire::http::Proxy::direct.lab \"DIRECT\";\n") && !strstr(conf.data, "quote"));
}

TEST(proxy_program_is_asked_once_for_a_server)
{
	FAKE_ROOT();
	fake_put(path, "/log", "");
	fake_program(path, "detect",
		     "echo \"$1\" >>$root/log; case $1 in *//a.*) echo http://found.lab:1;; *) echo DIRECT;; esac");
	proxy_read_apt("Acquire::http::Proxy-Auto-Detect detect\n");
	CHECK_STR(proxy_find("http://a.lab/x"), "http://found.lab:1");
	CHECK_STR(proxy_find("http://a.lab/y"), "http://found.lab:1");
	CHECK_STR(proxy_find("http://b.lab/x"), "");
	CHECK_STR(proxy_find("http://direct.lab/x"), "");
	CLEANUP(free_p) char *log = fake_get(path, "/log");
	CHECK_STR(log, "http://a.lab/x\nhttp://b.lab/x\n");
	FAKE_ROOT_END();
}
