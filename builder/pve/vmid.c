/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/vmid.h"

#include <stdlib.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/pve/pve_retry.h"
#include "lib/pve_guest.h"
#include "lib/vec.h"

#define ASKED_MAX 1000 /* requests for numbers of a target's range */

bool vmid_list_has(const struct vmid_list *list, long vmid)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i] == vmid)
			return true;
	return false;
}

/* ---- what is in the way ---- */

/* How PVE begins the names of guests' volumes: PREFIX VMID "-". */
static const char *const prefixes[] = { "vm-", "base-", "subvol-", "basevol-" };

/* Words of storages for a name that exists. */
static const char *const existing[] = { "already exists", "File exists", "file exists" };

static bool says_exists(const char *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(existing); i++)
		if (strstr(words, existing[i]))
			return true;
	return false;
}

/* Length of PREFIX, digits and "-" at the start of s; 0 = it is no volume's name. */
static size_t prefix_of(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t n = strlen(prefixes[i]), digits = text_starts(s, prefixes[i]) ? strspn(s + n, "0123456789") : 0;
		if (digits && s[n + digits] == '-')
			return n + digits + 1;
	}
	return 0;
}

/* The last volume's name in words: of a pair, the new one. *ret_len: its length. */
static const char *find_name(const char *words, size_t *ret_len)
{
	const char *found = NULL;

	for (const char *at = words; *at; at++)
		if ((at == words || !strchr("-_.", at[-1])) && prefix_of(at)) {
			found = at;
			at += prefix_of(at) - 1;
		}
	*ret_len = found ? strcspn(found, "'\"`,;:()@ \t\n") : 0;
	return found;
}

char *vmid_left_over(const char *words, const char *storage)
{
	size_t len;
	const char *name = says_exists(words) ? find_name(words, &len) : NULL;

	if (!name)
		return NULL;
	/* A storage of files has a directory for each guest: .../images/100/vm-100-cloudinit.qcow2 */
	const char *vmid = strchr(name, '-') + 1, *folder = name;
	int digits = (int)strspn(vmid, "0123456789");
	CLEANUP(free_p) char *directory = xasprintf("/%.*s/", digits, vmid);
	size_t n = strlen(directory);
	if ((size_t)(name - words) >= n && !strncmp(name - n, directory, n))
		folder = name - n + 1;
	return xasprintf("%s:%.*s", storage, (int)(name + len - folder), folder);
}

bool vmid_is_taken(const char *words)
{
	CLEANUP(free_p) char *volume = vmid_left_over(words, "");

	return !volume && says_exists(words);
}

void vmid_skip(struct vmid_list *skip, long vmid, const char *node, const char *volume)
{
	vec_push(skip, vmid);
	progress_notice(
		"%s: VMID %ld is skipped, because a volume of an earlier guest is left: %s; when it is not needed, as "
		"root on %s: pvesm free %s",
		node, vmid, volume, node, volume);
}

/* ---- the next one ---- */

static int first_of_datacenter(struct pve *pve, long *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(text_done) struct text word = { 0 };

	if (pve_call(pve, "GET", "/cluster/nextid", NULL, &data, err) < 0)
		return -1;
	json_print(data, false, &word); /* "100", with quotes or without */
	*ret = strtol(word.data + (word.data[0] == '"'), NULL, 10);
	if (*ret >= TARGET_VMID_MIN && *ret <= TARGET_VMID_MAX)
		return 0;
	return error_set(err, ERROR_TARGET, "Proxmox VE names no free VMID");
}

static bool is_seen(const struct pve_guests *guests, long vmid)
{
	for (size_t i = 0; i < guests->n; i++)
		if (guests->at[i].vmid == vmid)
			return true;
	return false;
}

int vmid_exists(struct pve *pve, long vmid, struct error *err)
{
	CLEANUP(free_p) char *number = xasprintf("%ld", vmid);

	if (pve_get_retry(pve, "/cluster/nextid", (const struct pve_param[]){ { "vmid", number }, { NULL, NULL } },
			  NULL, err) == 0)
		return 0;
	return pve_failure(pve) == PVE_REFUSED ? 1 : -1;
}

/* 1 = free, 0 = taken. */
static int ask(struct pve *pve, long vmid, struct error *err)
{
	int rc = vmid_exists(pve, vmid, err);

	return rc < 0 ? -1 : !rc;
}

/* PVE names the lowest free one, so those above it are asked for one by one. */
static int next_of_datacenter(struct pve *pve, const struct vmid_list *skip, long *ret, struct error *err)
{
	if (first_of_datacenter(pve, ret, err) < 0)
		return -1;
	if (!vmid_list_has(skip, *ret))
		return 0;
	for (int asked = 0; asked < ASKED_MAX && ++*ret <= TARGET_VMID_MAX;) {
		int rc = vmid_list_has(skip, *ret) ? 0 : (asked++, ask(pve, *ret, err));
		if (rc)
			return rc < 0 ? -1 : 0;
	}
	return error_set(err, ERROR_TARGET, "Proxmox VE names no free VMID without volumes that were left behind");
}

/* VMIDs of guests that the token sees are skipped without a request. */
static int next_in_range(struct pve *pve, const struct target *t, const struct vmid_list *skip, long *ret,
			 struct error *err)
{
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };
	int asked = 0;

	if (pve_list_guests(pve, &guests, err) < 0)
		return -1;
	for (long vmid = t->vmid_from; vmid <= t->vmid_to && asked < ASKED_MAX; vmid++) {
		bool known = is_seen(&guests, vmid) || vmid_list_has(skip, vmid);
		int rc = known ? 0 : (asked++, ask(pve, vmid, err));
		*ret = vmid;
		if (rc)
			return rc < 0 ? -1 : 0;
	}
	return error_set(err, ERROR_TARGET, "no VMID from %ld to %ld is free; widen `vmids` in %s, or remove guests",
			 t->vmid_from, t->vmid_to, t->file);
}

int vmid_pick(struct pve *pve, const struct target *target, const struct vmid_list *skip, long *ret, struct error *err)
{
	return target->vmid_from ? next_in_range(pve, target, skip, ret, err) : next_of_datacenter(pve, skip, ret, err);
}
