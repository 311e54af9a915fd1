/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/motd.h"

#include <string.h>

#include "lib/file.h"
#include "lib/macro.h"

#define PLACES_MAX 4

/* One of these is enough. */
static const struct {
	const char *places[PLACES_MAX];
	const char *what;
} wanted[] = {
	{ { "usr/bin/crictl", "usr/local/bin/crictl" }, "crictl (component crictl)" },
	{ { "usr/bin/editor", "usr/bin/vi", "usr/bin/nano" }, "an editor (package vim-tiny or nano)" },
	{ { "usr/bin/curl", "usr/bin/wget" }, "curl" },
	{ { "usr/bin/tcpdump" }, "tcpdump" },
	{ { "usr/bin/man" }, "manual pages (package man-db)" },
};

static bool has(int rootfd, const char *const places[PLACES_MAX])
{
	for (size_t i = 0; i < PLACES_MAX && places[i]; i++)
		if (file_exists_in(rootfd, places[i]))
			return true;
	return false;
}

static bool has_image(const struct strings *images, const char *name)
{
	for (size_t i = 0; images && i < images->n; i++)
		if (strstr(images->at[i], name))
			return true;
	return false;
}

static void add_missing(const struct motd *m, int rootfd, struct text *ret)
{
	const char *separator = "Not in this image: ";

	/* kubeadm deploys it into each cluster. */
	if (recipe_component(m->recipe, "kubernetes") && !has_image(m->images, "/coredns:")) {
		text_addf(ret, "%sCoreDNS (nodes pull it; component coredns)", separator);
		separator = ", ";
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!has(rootfd, wanted[i].places)) {
			text_addf(ret, "%s%s", separator, wanted[i].what);
			separator = ", ";
		}
	if (!strcmp(separator, ", "))
		text_add(ret, ".\nThe recipe adds packages (packages.extra) and components.\n");
}

void motd_text(const struct motd *m, int rootfd, struct text *ret)
{
	if (m->recipe->warning)
		text_addf(ret, "\nnodekiln: %s\n", m->recipe->warning);
	if (m->node) {
		text_addf(ret, "\nnodekiln: %s. `nodekiln-agent status` prints the state of this node.\n",
			  m->recipe->name);
		add_missing(m, rootfd, ret);
	}
	if (ret->len)
		text_add(ret, "\n");
}
