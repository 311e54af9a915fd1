/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the template that a VM is cloned from: by VMID, by name, or the newest published of an image. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/deploy/deploy_exec.h"
#include "builder/publish/publish_notes.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/pve_tags.h"

struct choice {
	const char *wanted; /* NULL = any image */
	long vmid;          /* 0 = none yet */
	char published[64]; /* RFC 3339, which sorts as text */
};

static void consider(struct choice *c, long vmid, const struct publish_notes *p)
{
	if (p->vmid != vmid || !p->ready || (c->wanted && strcmp(c->wanted, p->image) != 0))
		return;
	if (c->vmid && strcmp(p->published, c->published) <= 0)
		return;
	c->vmid = vmid;
	snprintf(c->published, sizeof c->published, "%s", p->published);
}

static int read_template(struct pve *pve, const char *pve_node, long vmid, struct choice *c, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	CLEANUP(publish_notes_done) struct publish_notes p = { 0 };
	struct pve_guest guest = pve_exec_guest(pve_node, PVE_QEMU, vmid);

	if (pve_get_config_retry(pve, &guest, &config, err) < 0)
		return pve_is_gone(pve_failure(pve)) ? 0 : -1;
	if (publish_notes_parse(json_get_string(config, "description"), &p))
		consider(c, vmid, &p);
	return 0;
}

/* wanted is its VMID or its name. */
static bool is_named(const struct json *entry, long vmid, const char *wanted)
{
	char number[24];

	snprintf(number, sizeof number, "%ld", vmid);
	return wanted && (!strcmp(number, wanted) || text_same(json_get_string(entry, "name"), wanted));
}

static int search(struct pve *pve, const char *pve_node, const struct json *list, struct choice *c, struct error *err)
{
	int64_t vmid, template;

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *entry = json_at(list, i);
		if (!pve_get_int(entry, "template", &template) || !template || !pve_get_int(entry, "vmid", &vmid))
			continue;
		if (is_named(entry, (long)vmid, c->wanted)) {
			c->vmid = (long)vmid;
			return 0;
		}
		if (pve_tags_has(json_get_string(entry, "tags"), PUBLISH_NOTES_TAG) &&
		    read_template(pve, pve_node, (long)vmid, c, err) < 0)
			return -1;
	}
	return 0;
}

int deploy_template(struct pve *pve, const struct deploy_order *o, const struct cluster_node *n, const char *pve_node,
		    long *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu", pve_node);
	struct choice c = { .wanted = n->template ? n->template : o->cluster->template };

	if (pve_get_retry(pve, path, NULL, &list, err) < 0 || search(pve, pve_node, list, &c, err) < 0)
		return -1;
	*ret = c.vmid;
	if (c.vmid)
		return 0;
	return error_set(err, ERROR_TARGET,
			 "node %s has no template %s%sthat the token may see; `nodekiln publish` makes one", pve_node,
			 c.wanted ? c.wanted : "", c.wanted ? " " : "");
}
