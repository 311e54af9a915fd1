/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/sources.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/http.h"

#define KEYRING_MAX (4u << 20)
#define FINGERPRINT_HEX 40

static bool is_fingerprint(const char *s)
{
	return s && strlen(s) == FINGERPRINT_HEX && strspn(s, "0123456789abcdefABCDEF") == FINGERPRINT_HEX;
}

/* Checks a word for a deb822 field: a line break would start another field, which could disable signature checks. */
static int check_word(const char *what, const char *word, struct error *err)
{
	if (word && *word && !word[strcspn(word, " \t\r\n")])
		return 0;
	return error_set(err, ERROR_INPUT, "repository: %s '%s' must be one word", what, word ? word : "");
}

static int check_source(const struct source *s, struct error *err)
{
	if (check_word("url", s->url, err) < 0 || check_word("suite", s->suite, err) < 0)
		return -1;
	for (size_t i = 0; i < s->components.n; i++)
		if (check_word("component", s->components.at[i], err) < 0)
			return -1;
	if ((s->key_url || s->fingerprint) && !is_fingerprint(s->fingerprint))
		return error_set(err, ERROR_INPUT,
				 "repository %s: key_url needs key_fingerprint, the 40 hex digits of the key that may "
				 "sign for it",
				 s->url);
	if (!s->key_url && !s->keyring)
		return error_set(err, ERROR_INPUT, "repository %s: set keyring, or key_url and key_fingerprint",
				 s->url);
	return 0;
}

static int add_distribution(const struct recipe *recipe, const char *url, const char *suffix, struct sources *ret,
			    struct error *err)
{
	struct source s = {
		.url = xstrdup(url),
		.suite = xasprintf("%s%s", recipe->distribution.suite, suffix),
		/* Only when needed, because a mirror may lack source packages. */
		.sources = recipe->agent.libcurl != AGENT_LIBCURL_PACKAGED ||
			   recipe_has_source(recipe, COMPONENT_DEBIAN_SOURCE),
		.expired = recipe->distribution.expired,
		.keyring = xstrdup_or_null(recipe->distribution.keyring),
	};

	strings_append(&s.components, &recipe->distribution.components);
	if (!s.components.n)
		strings_add(&s.components, "main");
	vec_push(&ret->list, s);
	return check_source(&s, err);
}

/* apt recognizes a flat repository by the slash at the end of its suite. */
static int add_repository(const struct repository *r, struct sources *ret, struct error *err)
{
	struct source s = {
		.url = xstrdup(r->url),
		.suite = xstrdup(r->suite ? r->suite : "/"),
		.expired = r->expired,
		.keyring = xstrdup_or_null(r->keyring),
		.key_url = xstrdup_or_null(r->key_url),
		.fingerprint = xstrdup_or_null(r->key_fingerprint),
	};

	for (char *c = s.fingerprint; c && *c; c++)
		*c = (char)toupper((unsigned char)*c); /* as gpgv prints it */
	strings_append(&s.components, &r->components);
	vec_push(&ret->list, s);
	return check_source(&s, err);
}

int sources_make(const struct recipe *recipe, const struct mirror *mirror, struct sources *ret, struct error *err)
{
	CLEANUP(sources_done) struct sources made = { .architecture = xstrdup(recipe->architecture) };

	if (add_distribution(recipe, mirror->archive, "", &made, err) < 0)
		return -1;
	if (recipe->distribution.updates && add_distribution(recipe, mirror->archive, "-updates", &made, err) < 0)
		return -1;
	if (recipe->distribution.security && mirror->security &&
	    add_distribution(recipe, mirror->security, "-security", &made, err) < 0)
		return -1;
	for (size_t i = 0; i < recipe->repositories.n; i++)
		if (add_repository(&recipe->repositories.at[i], &made, err) < 0)
			return -1;
	*ret = TAKE(made);
	return 0;
}

void sources_done(struct sources *sources)
{
	for (size_t i = 0; i < sources->list.n; i++) {
		struct source *s = &sources->list.at[i];
		free(s->url);
		free(s->suite);
		strings_done(&s->components);
		free(s->keyring);
		free(s->key_url);
		free(s->fingerprint);
		text_done(&s->key);
	}
	vec_done(&sources->list);
	free(sources->architecture);
	sources->architecture = NULL;
}

int sources_read_keys(struct sources *sources, struct error *err)
{
	for (size_t i = 0; i < sources->list.n; i++) {
		struct source *s = &sources->list.at[i];
		if (s->key_url)
			continue;
		if (access(s->keyring, F_OK) < 0)
			return error_set(
				err, ERROR_TRUST,
				"keyring %s of %s does not exist; Debian's are in the package debian-archive-keyring",
				s->keyring, s->url);
		if (file_read(AT_FDCWD, s->keyring, KEYRING_MAX, &s->key, err) < 0)
			return error_wrap(err, "keyring of %s", s->url);
	}
	return 0;
}

int sources_fetch_keys(struct sources *sources, struct error *err)
{
	for (size_t i = 0; i < sources->list.n; i++) {
		struct source *s = &sources->list.at[i];
		if (!s->key_url || s->key.len)
			continue;
		if (http_get_apt(s->key_url, KEYRING_MAX, &s->key, err) < 0)
			return error_wrap(err, "key of %s", s->url);
		if (!s->key.len || !strstr(s->key.data, "BEGIN PGP PUBLIC KEY BLOCK"))
			return error_set(err, ERROR_TRUST, "%s is not an armored public key", s->key_url);
	}
	return 0;
}

static void digest_source(const struct source *s, struct hash *h)
{
	hash_field(h, "url", s->url);
	hash_field(h, "suite", s->suite);
	hash_field(h, "sources", s->sources ? "yes" : "no");
	for (size_t i = 0; i < s->components.n; i++)
		hash_field(h, "component", s->components.at[i]);
	if (s->expired)
		hash_field(h, "expired", "accepted");
	hash_field(h, "key_url", s->key_url);
	hash_field(h, "fingerprint", s->fingerprint);
	if (!s->key_url) {
		char hex[SHA256_HEX];
		sha256_hex(s->key.data, s->key.len, hex);
		hash_field(h, "keyring", hex);
	}
}

void sources_digest(const struct sources *sources, char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();

	hash_field(h, "architecture", sources->architecture);
	for (size_t i = 0; i < sources->list.n; i++)
		digest_source(&sources->list.at[i], h);
	hash_hex(h, ret_hex);
}

/*
 * Without a fingerprint, all keys of the keyring may sign: Signed-By names the file. With a fingerprint, only that key may
 * sign: the keyring goes to trusted.gpg.d, and Signed-By names the fingerprint. apt recognizes an armored keyring by the
 * suffix .asc.
 */
static char *key_file(const struct source *s, size_t i)
{
	bool armored = s->key_url || (s->key.len && text_starts(s->key.data, "-----BEGIN"));

	return xasprintf("%s/%zu.%s", s->fingerprint ? "etc/apt/trusted.gpg.d" : "keyrings", i,
			 armored ? "asc" : "gpg");
}

void sources_deb822(const struct sources *sources, const char *directory, struct text *ret)
{
	for (size_t i = 0; i < sources->list.n; i++) {
		const struct source *s = &sources->list.at[i];
		text_addf(ret, "Types: deb%s\nURIs: %s\nSuites: %s\n", s->sources ? " deb-src" : "", s->url, s->suite);
		if (s->components.n)
			text_add(ret, "Components:");
		for (size_t c = 0; c < s->components.n; c++)
			text_addf(ret, " %s%s", s->components.at[c], c + 1 == s->components.n ? "\n" : "");
		text_addf(ret, "Architectures: %s\n", sources->architecture);
		if (s->expired)
			text_add(ret, "Check-Valid-Until: no\n");
		if (s->fingerprint) {
			text_addf(ret, "Signed-By: %s\n\n", s->fingerprint);
			continue;
		}
		CLEANUP(free_p) char *file = key_file(s, i);
		text_addf(ret, "Signed-By: %s/%s\n\n", directory, file);
	}
}

int sources_write(const struct sources *sources, int dirfd, const char *visible, struct error *err)
{
	CLEANUP(text_done) struct text deb822 = { 0 };

	for (size_t i = 0; i < sources->list.n; i++) {
		const struct source *s = &sources->list.at[i];
		CLEANUP(free_p) char *file = key_file(s, i);
		if (s->key.len && file_write(dirfd, file, s->key.data, s->key.len, 0644, err) < 0)
			return -1;
	}
	sources_deb822(sources, visible, &deb822);
	return file_write(dirfd, "etc/apt/sources.list.d/nodekiln.sources", deb822.data, deb822.len, 0644, err);
}
