/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/login.h"
#include "tests/unit/check.h"

static char *split(const char *url)
{
	struct error err = { 0 };
	char *copy = xstrdup(url);

	if (login_split(&copy, "mirror", &err) < 0)
		printf("# %s\n", err.text);
	return copy;
}

static bool has(const char *url, const char *wanted_user, const char *wanted_password)
{
	const char *user, *password;

	return login_find(url, &user, &password) && !strcmp(user, wanted_user) && !strcmp(password, wanted_password);
}

static bool has_none(const char *url)
{
	const char *user, *password;

	return !login_find(url, &user, &password);
}

TEST(login_of_a_url_is_for_it_and_what_is_below)
{
	CLEANUP(free_p) char *url = split("https://me:s3cret@repo.lab/debian/");

	CHECK_STR(url, "https://repo.lab/debian/");
	CHECK(has("https://repo.lab/debian", "me", "s3cret"));
	CHECK(has("https://repo.lab/debian/dists/bookworm/InRelease", "me", "s3cret"));
	CHECK(has_none("https://repo.lab/debian-security/x"));
	CHECK(has_none("https://repo.lab/"));
	CHECK(has_none("http://repo.lab/debian/x"));
	CHECK(has_none("https://repo.lab.evil.lab/debian/x"));
	CHECK(has_none("https://repo.lab:8443/debian/x"));
}

TEST(login_of_a_host_is_for_all_its_paths)
{
	CLEANUP(free_p) char *url = split("http://token@host.lab:81"), *v6 = split("http://a:b@[fd00::1]:81/x");

	CHECK_STR(url, "http://host.lab:81");
	CHECK_STR(v6, "http://[fd00::1]:81/x");
	CHECK(has("http://host.lab:81/any/path", "token", ""));
	CHECK(has_none("http://host.lab:811/any"));
	CHECK(has("http://[fd00::1]:81/x/y", "a", "b"));
}

TEST(login_is_decoded_and_may_have_an_at_sign)
{
	CLEANUP(free_p)
	char *encoded = split("https://a%40b:p%3a%2F%25@enc.lab/x"), *at = split("https://u:p@w@at.lab/x");

	CHECK_STR(encoded, "https://enc.lab/x");
	CHECK(has("https://enc.lab/x/y", "a@b", "p:/%"));
	CHECK_STR(at, "https://at.lab/x");
	CHECK(has("https://at.lab/x", "u", "p@w"));
}

TEST(login_of_the_longest_url_and_of_the_first_counts)
{
	CLEANUP(free_p)
	char *outer = split("https://out:1@long.lab/"), *inner = split("https://in:2@long.lab/a/b"),
	     *again = split("https://in:3@long.lab/a/b");

	CHECK_STR(inner, again);
	CHECK(has("https://long.lab/a", "out", "1"));
	CHECK(has("https://long.lab/a/b/c", "in", "2"));
}

TEST(login_of_a_template_is_for_the_directory_above)
{
	CLEANUP(free_p) char *url = split("https://t:p@tpl.lab/core/v{minor}/deb/");

	CHECK_STR(url, "https://tpl.lab/core/v{minor}/deb/");
	CHECK(has("https://tpl.lab/core/v1.37/deb/InRelease", "t", "p"));
	CHECK(has_none("https://tpl.lab/other"));
}

TEST(login_leaves_other_urls_alone)
{
	static const char *const urls[] = { "https://host/debian",     "http://[fd00::1]:81/a@b", "file:///srv/a:b/c@d",
					    "https://host/pool/a@b:c", "https://host:8443/a@b",   "" };
	struct error err = { 0 };
	char *none = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		CLEANUP(free_p) char *url = split(urls[i]);
		CHECK_STR(url, urls[i]);
	}
	CHECK(login_split(&none, "mirror", &err) == 0 && !none);
}

TEST(login_that_cannot_be_sent_is_refused_and_not_shown)
{
	static const char *const urls[] = { "https://me:s3cret%zz@h/", "https://me:s3cret%2@h/",
					    "https://me:s3cret%00@h/", "https://me:s3cret%20@h/",
					    "https://me:s3cret\n@h/",  "https://m%3ae:s3cret@h/",
					    "https://me:s3cr/et@h/",   "https://@h/debian",
					    "me:s3cret %@h/debian",    "https://me:s3cr@a:b/et@h/",
					    "https://:s3cret@h/" };

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		CLEANUP(free_p) char *url = xstrdup(urls[i]);
		struct error err = { 0 };
		CHECK(login_split(&url, "distribution.mirror", &err) < 0 && err.class == ERROR_INPUT);
		CHECK(strstr(err.text, "distribution.mirror") && !strstr(err.text, "s3cr"));
	}
}

TEST(login_file_of_apt_has_one_line_for_a_url)
{
	CLEANUP(text_done) struct text conf = { 0 };
	CLEANUP(free_p)
	char *url = split("https://apt:x@apt.lab/debian/"), *again = split("https://apt:y@apt.lab/debian");

	CHECK_STR(url, "https://apt.lab/debian/");
	CHECK_STR(again, "https://apt.lab/debian");
	login_auth_conf(&conf);
	CHECK(strstr(conf.data, "machine https://apt.lab/debian/ login apt password x\n"));
	CHECK(!strstr(conf.data, "password y"));
}

/* apt_auth.conf(5) and its examples; apt's own words for what fits are in apt-pkg/contrib/netrc.cc. */
TEST(login_of_a_machine_is_as_apt_has_it)
{
	static const struct {
		const char *machine, *fits, *other;
	} cases[] = {
		{ "one.lab", "https://one.lab/debian", "http://one.lab/debian" },
		{ "two.lab", "https://two.lab:8443/debian", "https://two.laba/debian" },
		{ "three.lab:8443", "https://three.lab:8443/x", "https://three.lab/x" },
		{ "four.lab/deb", "https://four.lab/debian", "https://four.lab/ubuntu" },
		{ "five.lab/deb/", "https://five.lab/deb/x", "https://five.lab/debian" },
		{ "http://six.lab:8811", "http://six.lab:8811/debian", "https://six.lab:8811/debian" },
		{ "http://seven.lab/", "http://seven.lab/debian", "http://seven.lab.evil/debian" },
		{ "http://[fd00::7]", "http://[fd00::7]:80/x", "http://[fd00::77]/x" },
	};
	CLEANUP(text_done) struct text conf = { 0 };
	CLEANUP(free_p) char *url = split("https://url:1@eight.lab/debian");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		text_addf(&conf, "machine %s\n\tlogin ci-user\n\tpassword s3cret%zu\n", cases[i].machine, i);
	text_add(&conf, "# machine nine.lab login x password y\nmachine eight.lab login other password 2 # and more\n"
			"machine without.lab\nmachine ten.lab login token account x");
	login_read_auth_conf(conf.data);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *password = xasprintf("s3cret%zu", i);
		CHECK(has(cases[i].fits, "ci-user", password));
		CHECK(has_none(cases[i].other));
	}
	CHECK(has("https://eight.lab/debian/x", "url", "1") && has("https://eight.lab/other", "other", "2"));
	CHECK(has("https://ten.lab/", "token", ""));
	CHECK(has_none("https://nine.lab/") && has_none("https://without.lab/") && has_none("cdrom:[x]/"));
	conf.len = 0;
	login_auth_conf(&conf);
	CHECK(strstr(conf.data, "machine four.lab/deb login ci-user password s3cret3\n"));
	CHECK(strstr(conf.data, "machine eight.lab login other") >
	      strstr(conf.data, "https://eight.lab/debian/ login url"));
}

TEST(login_of_a_proxy_must_be_a_url)
{
	static const struct {
		const char *value;
		bool good;
	} proxies[] = {
		{ "http://proxy.lab:3128", true },
		{ "http://me:s3cret@proxy.lab:3128/", true },
		{ "me:s3cret@proxy.lab:3128", true },
		{ "http://me:s3cret@[fd00::1]:3128", true },
		{ "http://me:s3cret@proxy.lab:x", false },
		{ "http://me:s3/cret@proxy.lab:3128", false },
		{ "http://me:s3cret@", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++) {
		struct error err = { 0 };
		setenv("https_proxy", proxies[i].value, 1);
		CHECK((login_check_proxies(&err) == 0) == proxies[i].good);
		CHECK(proxies[i].good || (strstr(err.text, "https_proxy") && !strstr(err.text, "s3")));
	}
	unsetenv("https_proxy");
}
