/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "builder/apt_text.h"
#include "lib/alloc.h"

#define UNMET_LINES 4

/*
 * What apt's sentences mean to us. The first row that is found anywhere wins, so the cause stands before what follows from it:
 * apt reports a bad signature as a warning first and as "not signed" afterwards.
 */
static const struct complaint {
	const char *says;
	enum error_class class;
	const char *means; /* what to do, too */
} complaints[] = {
	{ "No space left on device", ERROR_SPACE, "the disk of the cache is full; make room or set NODEKILN_CACHE" },
	{ "BADSIG", ERROR_TRUST,
	  "its signature is wrong: the index was changed after it was signed; do not trust this mirror" },
	{ "REVKEYSIG", ERROR_TRUST, "it is signed with a key that was revoked; do not trust it" },
	{ "EXPKEYSIG", ERROR_TRUST,
	  "it is signed with a key that has expired; the recipe needs the repository's current key" },
	{ "EXPSIG", ERROR_TRUST, "its signature has expired; the mirror is out of date" },
	{ "is not available: GOODSIG", ERROR_TRUST, "it is signed by another key than the recipe's key_fingerprint" },
	{ "NO_PUBKEY", ERROR_TRUST,
	  "it is signed by a key that is not in the recipe's keyring; if the repository is the right one, name its "
	  "keyring (for a "
	  "newer Debian suite: update the package debian-archive-keyring)" },
	{ "into data and signature failed", ERROR_TRUST, "its InRelease file is damaged" },
	{ "is expired (invalid since", ERROR_TRUST,
	  "its Release file has expired: the mirror is out of date, or this machine's "
	  "clock is wrong" },
	{ "is not valid yet", ERROR_TRUST, "its Release file is from the future: set this machine's clock" },
	{ "Hash Sum mismatch", ERROR_TRUST,
	  "an index is not what the signed Release file says; the mirror may be in the middle "
	  "of an update: try again, and if it stays so, do not trust it" },
	{ "unexpected size", ERROR_TRUST,
	  "an index is not what the signed Release file says; the mirror may be in the middle "
	  "of an update: try again, and if it stays so, do not trust it" },
	{ "Could not resolve", ERROR_NETWORK, "its server's name is unknown; check the mirror, DNS and proxy" },
	{ "does not have a Release file", ERROR_NETWORK, "there is no such suite; check mirror and suite" },
	{ "is not signed", ERROR_TRUST, "it has no signature that can be checked; nodekiln takes nothing from it" },
	{ "Failed to fetch", ERROR_NETWORK, "its server did not deliver; check the mirror and the network" },
	{ "Unable to locate package", ERROR_RECIPE, "no repository of the recipe has it" },
	{ "has no installation candidate", ERROR_RECIPE,
	  "it is only a virtual name; the recipe must choose a package" },
	{ "' was not found", ERROR_RECIPE, "no repository of the recipe has this version" },
	{ "Unable to find a source package", ERROR_RECIPE, "no repository of the recipe has this source" },
	{ "Can not find version", ERROR_RECIPE, "no repository of the recipe has this version of the source" },
	{ "remove is disabled", ERROR_RECIPE, "packages of vm or lxc conflict with packages of base" },
	{ "held broken packages", ERROR_RECIPE, "these packages cannot be installed together" },
	{ "dependency problem", ERROR_RECIPE, "these packages cannot be installed together" },
};

/* apt's line around a place in its text, without "E: " and the like. */
static char *line_at(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	CLEANUP(free_p) char *line = xstrndup(at, strcspn(at, "\n"));
	char *body = text_trim(line);
	return xstrdup(body[0] && body[1] == ':' && body[2] == ' ' ? body + 3 : body);
}

/* The paragraph that says which dependencies are in the way, in one line. */
static void add_unmet(const char *output, struct text *ret)
{
	const char *line = strstr(output, "unmet dependencies:\n");

	if (!line)
		return;
	line = strchr(line, '\n') + 1;
	for (int i = 0; i < UNMET_LINES && *line == ' '; i++) {
		CLEANUP(free_p) char *copy = xstrndup(line, strcspn(line, "\n"));
		text_addf(ret, "%s%s", i ? "; " : ": ", text_trim(copy));
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

int apt_complaint(const char *output, const char *messages, struct error *err)
{
	CLEANUP(text_done) struct text detail = { 0 };
	const char *first = strstr(messages, "E: ");

	add_unmet(output, &detail);
	for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
		const char *at = strstr(messages, complaints[i].says);
		if (!at)
			continue;
		CLEANUP(free_p) char *line = line_at(messages, at);
		return error_set(err, complaints[i].class, "%s%s: %s", line, detail.len ? detail.data : "",
				 complaints[i].means);
	}
	CLEANUP(free_p) char *line = line_at(messages, first ? first : messages);
	return error_set(err, ERROR_FAILED, "%s%s", *line ? line : "apt failed without a word",
			 detail.len ? detail.data : "");
}
