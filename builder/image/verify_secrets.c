/* SPDX-License-Identifier: Apache-2.0 */
/* Checks files against the table of secret_rule.h. Of packages, only the configuration is read: what else a package ships is public. */
#include <fnmatch.h>
#include <string.h>

#include "builder/image/secret_key.h"
#include "builder/image/secret_rule.h"
#include "builder/image/verify.h"
#include "lib/text.h"

static bool is_public(const struct verify *v, const struct image_entry *e)
{
	const struct origin *origin = origins_find(&v->origins, e);

	return origin && origin->package && !text_starts(e->path, "/etc/");
}

/* Of what nothing accounts for, also what only looks like a secret: scripts of packages have made it, or who knows what. */
static void check_random(struct verify *v, const struct image_entry *e, const struct text *content)
{
	bool is_private = !(e->mode & S_IROTH);
	const char *what = e->size <= content->len && !verify_is_known(v, e)
				   ? secret_random_what(content->len ? content->data : "", content->len, is_private)
				   : NULL;

	if (what)
		faults_add(&v->faults, is_private ? FAULT_PRIVATE_KEY : FAULT_LEFTOVER, e->path,
			   "%s %s, and is not of a package, an overlay or a step of the build; all guests would have "
			   "the same",
			   e->path, what);
}

/* One finding of each kind. */
static void check_content(struct verify *v, const struct image_entry *e, const struct text *content)
{
	bool found[FAULT_KINDS] = { false };

	for (size_t i = 0; i < secret_rules_count; i++) {
		const struct secret_rule *r = &secret_rules[i];
		if (found[r->id] || fnmatch(r->pattern, e->path, 0) != 0 ||
		    !secret_rule_matches(r, content->len ? content->data : "", content->len))
			continue;
		found[r->id] = true;
		faults_add(&v->faults, r->id, e->path, "%s %s; remove it, and give it to nodes by their seed", e->path,
			   r->what);
	}
}

static int check_entry(void *verify, const struct image_entry *e, struct error *err)
{
	struct verify *v = verify;
	CLEANUP(text_done) struct text content = { 0 };

	/* sysprep's rules have found some of them already. */
	if (!S_ISREG(e->mode) || !e->size || verify_wants(e) != IMAGE_KEEP || is_public(v, e) ||
	    faults_has(&v->faults, e->path))
		return 0;
	size_t len = e->size < VERIFY_SCAN_MAX ? (size_t)e->size : VERIFY_SCAN_MAX;
	if (image_read_part(v->image, e, 0, len, &content, err) < 0)
		return -1;
	check_content(v, e, &content);
	if (!faults_has(&v->faults, e->path))
		check_random(v, e, &content);
	return 0;
}

int verify_secrets(struct verify *v, struct error *err)
{
	return image_walk(v->image, check_entry, v, err);
}
