/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/macro.h"
#include "lib/pve_guest.h"
#include "lib/text.h"
#include "lib/vec.h"

#define PARAMS_MAX 16
#define NETS_MAX 32 /* net0 to net31 */

static const char *const kind_names[] = { [PVE_QEMU] = "qemu", [PVE_LXC] = "lxc" };

static char *copy_of(const struct json *object, const char *key)
{
	return xstrdup_or_null(json_get_string(object, key));
}

static bool parse_kind(const char *type, enum pve_kind *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (text_same(kind_names[i], type)) {
			*ret = (enum pve_kind)i;
			return true;
		}
	return false;
}

static bool parse_guest(const struct json *entry, struct pve_guest *ret)
{
	int64_t vmid, template = 0;
	enum pve_kind kind;

	if (!parse_kind(json_get_string(entry, "type"), &kind) || !json_get_string(entry, "node") ||
	    !pve_get_int(entry, "vmid", &vmid) || vmid <= 0 || vmid > 999999999)
		return false;
	if (!pve_get_int(entry, "template", &template))
		template = 0;
	*ret = (struct pve_guest){
		.vmid = (long)vmid,
		.kind = kind,
		.node = copy_of(entry, "node"),
		.name = copy_of(entry, "name"),
		.status = copy_of(entry, "status"),
		.tags = copy_of(entry, "tags"),
		.pool = copy_of(entry, "pool"),
		.template = template != 0,
	};
	return true;
}

static int by_vmid(const void *a, const void *b)
{
	const struct pve_guest *x = a, *y = b;

	return (x->vmid > y->vmid) - (x->vmid < y->vmid);
}

void pve_parse_guests(const struct json *data, struct pve_guests *ret)
{
	struct pve_guest guest;

	for (size_t i = 0; i < json_count(data); i++)
		if (parse_guest(json_at(data, i), &guest))
			vec_push(ret, guest);
	if (ret->n)
		qsort(ret->at, ret->n, sizeof *ret->at, by_vmid);
}

int pve_list_guests(struct pve *pve, struct pve_guests *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;

	if (pve_call(pve, "GET", "/cluster/resources", (const struct pve_param[]){ { "type", "vm" }, { NULL, NULL } },
		     &data, err) < 0)
		return -1;
	pve_parse_guests(data, ret);
	return 0;
}

void pve_guest_done(struct pve_guest *guest)
{
	free(guest->node);
	free(guest->name);
	free(guest->status);
	free(guest->tags);
	free(guest->pool);
	*guest = (struct pve_guest){ 0 };
}

void pve_guests_done(struct pve_guests *guests)
{
	for (size_t i = 0; i < guests->n; i++)
		pve_guest_done(&guests->at[i]);
	vec_done(guests);
}

static char *config_path(const struct pve_guest *guest)
{
	return pve_path("/nodes/%s/%s/%ld/config", guest->node, kind_names[guest->kind], guest->vmid);
}

int pve_guest_config(struct pve *pve, const struct pve_guest *guest, struct json **ret, struct error *err)
{
	CLEANUP(free_p) char *path = config_path(guest);

	return pve_call(pve, "GET", path, NULL, ret, err);
}

int pve_guest_update(struct pve *pve, const struct pve_guest *guest, const char *digest, const struct pve_param *params,
		     struct error *err)
{
	CLEANUP(free_p) char *path = config_path(guest);
	struct pve_param all[PARAMS_MAX] = { { 0 } };
	size_t n = 0;

	for (; params->name && n < PARAMS_MAX - 2; params++)
		all[n++] = *params;
	if (digest)
		all[n++] = (struct pve_param){ "digest", digest };
	return pve_call(pve, "PUT", path, all, NULL, err);
}

/* True when a property of a list such as "virtio=BC:24:11:...,bridge=vmbr0" has this value. */
static bool has_value(const char *list, const char *value)
{
	size_t n = strlen(value);

	for (const char *equals = strchr(list, '='); equals; equals = strchr(equals + 1, '='))
		if (!strncasecmp(equals + 1, value, n) && (!equals[n + 1] || equals[n + 1] == ','))
			return true;
	return false;
}

int pve_config_matches(const struct json *config, const char *uuid, const struct strings *macs)
{
	const char *smbios = json_get_string(config, "smbios1");
	int answer = 0;

	if (uuid && smbios && strstr(smbios, "uuid="))
		return has_value(smbios, uuid) ? 1 : -1;
	for (int i = 0; i < NETS_MAX; i++) {
		char key[16];
		snprintf(key, sizeof key, "net%d", i);
		const char *net = json_get_string(config, key);
		for (size_t m = 0; net && m < macs->n; m++)
			if (has_value(net, macs->at[m]))
				return 1;
		if (net && macs->n)
			answer = -1;
	}
	return answer;
}
