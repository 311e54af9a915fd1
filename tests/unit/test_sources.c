/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/sources.h"
#include "lib/file.h"
#include "tests/unit/fake_root.h"

#define FINGERPRINT "DE15B14486CD377B9E876E1A234654DA9A296436"

static struct recipe small(void)
{
	struct recipe r = { .architecture = xstrdup("amd64") };

	r.distribution.suite = xstrdup("bookworm");
	r.distribution.keyring = xstrdup("/usr/share/keyrings/debian-archive-keyring.gpg");
	strings_add(&r.distribution.components, "main");
	return r;
}

static const struct mirror mirror = { .archive = "http://mirror.example/debian",
				      .security = "http://mirror.example/debian-security" };

TEST(sources_deb822_of_all_kinds)
{
	CLEANUP(recipe_done) struct recipe r = small();
	CLEANUP(sources_done) struct sources s = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	r.distribution.security = true;
	vec_push(&r.repositories,
		 (struct repository){ .url = xstrdup("https://packages.example/v1.34/deb/"),
				      .suite = xstrdup("/"),
				      .key_url = xstrdup("https://packages.example/key.asc"),
				      .key_fingerprint = xstrdup("de15b14486cd377b9e876e1a234654da9a296436") });
	CHECK(sources_make(&r, &mirror, &s, &err) == 0);
	sources_deb822(&s, "/state", &text);
	CHECK_STR(text.data,
		  "Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
		  "Architectures: amd64\nSigned-By: /state/keyrings/0.gpg\n\n"
		  "Types: deb deb-src\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n"
		  "Components: main\nArchitectures: amd64\nSigned-By: /state/keyrings/1.gpg\n\n"
		  "Types: deb\nURIs: https://packages.example/v1.34/deb/\nSuites: /\nArchitectures: amd64\n"
		  "Signed-By: " FINGERPRINT "\n\n");
}

/* What would smuggle a field such as `Trusted: yes` into apt's sources, or leave the key open. */
TEST(sources_make_refuses)
{
	static const struct repository bad[] = {
		{ .url = "http://x/\nTrusted: yes", .suite = "/", .keyring = "/k" },
		{ .url = "http://x/", .suite = "/ [trusted=yes]", .keyring = "/k" },
		{ .url = "http://x/", .suite = "/" },
		{ .url = "http://x/", .suite = "/", .key_url = "http://x/key" },
		{ .url = "http://x/", .suite = "/", .key_url = "http://x/key", .key_fingerprint = "9A296436" },
		{ .url = "http://x/", .suite = "/", .keyring = "/k", .key_fingerprint = "9A296436" },
		{ .url = "", .suite = "/", .keyring = "/k" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(recipe_done) struct recipe r = small();
		CLEANUP(sources_done) struct sources s = { 0 };
		struct error err = { 0 };
		struct repository copy = { .url = xstrdup(bad[i].url), .suite = xstrdup(bad[i].suite) };
		copy.keyring = bad[i].keyring ? xstrdup(bad[i].keyring) : NULL;
		copy.key_url = bad[i].key_url ? xstrdup(bad[i].key_url) : NULL;
		copy.key_fingerprint = bad[i].key_fingerprint ? xstrdup(bad[i].key_fingerprint) : NULL;
		vec_push(&r.repositories, copy);
		CHECK(sources_make(&r, &mirror, &s, &err) == -1);
		CHECK(err.class == ERROR_INPUT);
	}
}

TEST(sources_digest_includes_keys)
{
	CLEANUP(recipe_done) struct recipe r = small();
	CLEANUP(sources_done) struct sources s = { 0 };
	struct error err = { 0 };
	char one[SHA256_HEX], two[SHA256_HEX];

	CHECK(sources_make(&r, &mirror, &s, &err) == 0);
	text_add(&s.list.at[0].key, "a");
	sources_digest(&s, one);
	text_add(&s.list.at[0].key, "b");
	sources_digest(&s, two);
	CHECK(strcmp(one, two) != 0);
}

/* One with a keyring that is a file, one with a key that is a URL. */
static void make_two(const char *root, struct sources *ret)
{
	ret->architecture = xstrdup("amd64");
	vec_push(&ret->list, (struct source){ .url = xstrdup("http://a.example"),
					      .suite = xstrdup("bookworm"),
					      .keyring = xasprintf("%s/keyring.gpg", root) });
	vec_push(&ret->list, (struct source){ .url = xstrdup("http://b.example"),
					      .suite = xstrdup("/"),
					      .key_url = xasprintf("file://%s/key.asc", root),
					      .fingerprint = xstrdup(FINGERPRINT) });
}

TEST(sources_write_keys_and_deb822)
{
	CLEANUP(sources_done) struct sources s = { 0 };

	FAKE_ROOT();
	make_two(path, &s);
	fake_put(path, "/keyring.gpg", "binary");
	fake_put(path, "/key.asc", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n");
	CHECK(sources_read_keys(&s, &err) == 0 && s.list.at[0].key.len == 6 && !s.list.at[1].key.len);
	CHECK(sources_fetch_keys(&s, &err) == 0 && s.list.at[1].key.len);
	fake_put(path, "/state/keyrings/x", "");
	fake_put(path, "/state/etc/apt/trusted.gpg.d/x", "");
	fake_put(path, "/state/etc/apt/sources.list.d/x", "");
	CLEANUP(free_p) char *state = xasprintf("%s/state", path);
	CLEANUP(close_p) int fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(sources_write(&s, fd, "/visible", &err) == 0);
	CLEANUP(free_p)
	char *key = fake_get(state, "/keyrings/0.gpg"),
	     *deb822 = fake_get(state, "/etc/apt/sources.list.d/nodekiln.sources");
	CHECK_STR(key, "binary");
	CHECK(fake_has(state, "/etc/apt/trusted.gpg.d/1.asc"));
	CHECK(deb822 && strstr(deb822, "Signed-By: /visible/keyrings/0.gpg\n") &&
	      strstr(deb822, "Signed-By: " FINGERPRINT "\n"));
	FAKE_ROOT_END();
}

TEST(sources_read_keys_and_fetch_keys_refuse)
{
	CLEANUP(sources_done) struct sources s = { 0 };

	FAKE_ROOT();
	make_two(path, &s);
	CHECK(sources_read_keys(&s, &err) == -1 && err.class == ERROR_TRUST);
	CHECK(strstr(err.text, "keyring.gpg of http://a.example does not exist"));
	CHECK(sources_fetch_keys(&s, &err) == -1 && err.class == ERROR_NETWORK);
	fake_put(path, "/key.asc", "<html>sign in</html>");
	CHECK(sources_fetch_keys(&s, &err) == -1 && err.class == ERROR_TRUST);
	CHECK(strstr(err.text, "key.asc is not an armored public key"));
	FAKE_ROOT_END();
}
