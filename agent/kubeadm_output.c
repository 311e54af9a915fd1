/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm_output.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/log.h"

/* Lower-case words only: "[WARNING Swap]" and "[ERROR Port-6443]" are results of checks. */
bool kubeadm_output_phase(const char *line, char ret_name[KUBEADM_PHASE_MAX])
{
	size_t n = *line == '[' ? strspn(line + 1, "abcdefghijklmnopqrstuvwxyz0123456789-/") : 0;

	if (!n || n >= KUBEADM_PHASE_MAX || line[1 + n] != ']')
		return false;
	memcpy(ret_name, line + 1, n);
	ret_name[n] = '\0';
	return true;
}

/* Drops the older half when twice the limit has accumulated. */
static void keep(struct text *kept, const char *line)
{
	text_add(kept, line);
	text_add(kept, "\n");
	if (kept->len <= 2 * KUBEADM_OUTPUT_MAX)
		return;
	memmove(kept->data, kept->data + kept->len - KUBEADM_OUTPUT_MAX, KUBEADM_OUTPUT_MAX);
	kept->len = KUBEADM_OUTPUT_MAX;
	kept->data[kept->len] = '\0';
}

void kubeadm_output_line(void *output, const char *line)
{
	struct kubeadm_output *o = output;
	CLEANUP(free_p) char *masked = xstrdup(line);
	char name[KUBEADM_PHASE_MAX];

	secrets_mask_line(&o->secrets, masked);
	log_info("kubeadm: %s", masked);
	keep(&o->kept, masked);
	if (!kubeadm_output_phase(masked, name) || !strcmp(name, o->current))
		return;
	strcpy(o->current, name);
	if (o->phase)
		o->phase(o->context, name);
}

void kubeadm_output_done(struct kubeadm_output *o)
{
	secrets_done(&o->secrets);
	text_done(&o->kept);
}
