/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/kubeadm_images.h"

#include <string.h>

#include "lib/alloc.h"

void kubeadm_images_parse(char *output, struct strings *ret)
{
	char *rest = output, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			strings_add(ret, line);
}

int kubeadm_images_list(const struct sandbox *sandbox, const char *program, const char *version, struct strings *ret,
			struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text list = { 0 };

	strings_add_all(&argv, program, "config", "images", "list", "--kubernetes-version", NULL);
	strings_addf(&argv, "v%s", version);
	if (sandbox_run(sandbox, &(struct process){ .argv = strings_argv(&argv), .output = &list }, err) < 0)
		return -1;
	kubeadm_images_parse(list.data, ret);
	return 0;
}

const char *kubeadm_images_find(const struct strings *references, const char *name)
{
	CLEANUP(free_p) char *part = xasprintf("/%s:", name);

	for (size_t i = 0; i < references->n; i++)
		if (strstr(references->at[i], part))
			return references->at[i];
	return NULL;
}
