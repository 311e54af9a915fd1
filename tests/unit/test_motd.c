/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "builder/pipeline/motd.h"
#include "lib/file.h"
#include "tests/unit/check.h"

static char *name_of_recipe = (char *)"mine";

/* The text for a tree with these files, which end with NULL; owned by the caller. */
static char *text_for(const struct motd *m, const char *const *files)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	struct text text = { 0 };
	struct error err = { 0 };

	if (!mkdtemp(path))
		abort();
	CLEANUP(close_p) int root = dir_open(AT_FDCWD, path, &err);
	for (; *files; files++)
		if (file_write_in(root, *files, "", 0, 0755, &err) < 0)
			abort();
	motd_text(m, root, &text);
	if (tree_remove(AT_FDCWD, path, &err) < 0)
		abort();
	return text_take(&text);
}

TEST(motd_names_what_is_missing)
{
	static const char *const none[] = { NULL }, *const some[] = { "usr/bin/crictl", "usr/bin/nano", "usr/bin/man",
								      NULL };
	const struct recipe recipe = { .name = name_of_recipe };
	const struct motd m = { .recipe = &recipe, .node = true };
	CLEANUP(free_p) char *all = text_for(&m, none), *few = text_for(&m, some);

	CHECK_STR(all, "\nnodekiln: mine. `nodekiln-agent status` prints the state of this node.\n"
		       "Not in this image: crictl (component crictl), an editor (package vim-tiny or nano), curl, "
		       "tcpdump, manual pages "
		       "(package man-db).\nThe recipe adds packages (packages.extra) and components.\n\n");
	CHECK(strstr(few, "Not in this image: curl, tcpdump.\n"));
}

TEST(motd_of_a_complete_image)
{
	static const char *const files[] = { "usr/local/bin/crictl", "usr/bin/editor", "usr/bin/wget",
					     "usr/bin/tcpdump",      "usr/bin/man",    NULL };
	const struct recipe recipe = { .name = name_of_recipe };
	const struct motd m = { .recipe = &recipe, .node = true };
	CLEANUP(free_p) char *text = text_for(&m, files);

	CHECK_STR(text, "\nnodekiln: mine. `nodekiln-agent status` prints the state of this node.\n\n");
}

TEST(motd_of_an_image_without_agent)
{
	static const char *const none[] = { NULL };
	const struct recipe plain = { .name = name_of_recipe };
	const struct recipe old = { .name = name_of_recipe, .warning = (char *)"this is old" };
	CLEANUP(free_p) char *nothing = text_for(&(struct motd){ .recipe = &plain }, none);
	CLEANUP(free_p) char *warning = text_for(&(struct motd){ .recipe = &old }, none);

	CHECK_STR(nothing, "");
	CHECK_STR(warning, "\nnodekiln: this is old\n\n");
}
