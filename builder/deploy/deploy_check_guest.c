/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_check_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/pve/pve_exec.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/vmid.h"
#include "builder/seed/seed_tarball.h"
#include "lib/input.h"

#define MANIFEST_MAX (16 << 20)
#define TARBALL ".tar.zst"
#define OLDEST_MAJOR 1 /* of Kubernetes in an unprivileged container: KubeletInUserNamespace began with 1.22 */
#define OLDEST_MINOR 22

/* ---- VMIDs ---- */

/* This run takes the guest for the cluster's. */
static bool is_adopted(const struct deploy_order *o, const struct cluster_node *n)
{
	CLEANUP(free_p) char *word = xasprintf("%s=%ld", n->name, n->vmid);

	return o->adopt && strings_has(o->adopt, word);
}

int deploy_check_vmids(struct deploy_check *k, const struct deploy_order *o, struct error *err)
{
	const struct cluster *c = o->cluster;

	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct cluster_node *n = &c->nodes.at[i];

		if (!n->vmid || (o->secret && seed_secrets_made(o->secret, n->vmid)) || is_adopted(o, n))
			continue;
		int rc = vmid_exists(k->of.pve, n->vmid, err);
		if (rc < 0)
			return error_wrap(err, "ask for VMID %ld", n->vmid);
		if (rc)
			target_check_miss(
				&k->of,
				"node '%s': VMID %ld is already that of another guest; choose another (`vmid`), "
				"or adopt the guest when it is this node (--adopt %s=%ld)",
				n->name, n->vmid, n->name, n->vmid);
	}
	return 0;
}

/* ---- clones ---- */

/* "local-lvm:base-9000-disk-0,discard=on,size=4G"; 0 = not said. */
static unsigned long long size_of(const char *drive)
{
	const char *at = strstr(drive, ",size=");
	CLEANUP(free_p) char *word = NULL;
	unsigned long long size = 0;

	if (!at)
		return 0;
	at += strlen(",size=");
	word = xstrndup(at, strcspn(at, ","));
	return text_size(word, &size) ? size : 0;
}

/* PVE's storage plugins without the feature `clone` of base volumes. */
static bool can_link(const char *type)
{
	static const char *const without[] = { "lvm", "iscsi", "iscsidirect" };

	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		if (text_same(type, without[i]))
			return false;
	return true;
}

static const char *type_of(const struct json *storages, const char *name)
{
	for (size_t i = 0; i < json_count(storages); i++)
		if (text_same(json_get_string(json_at(storages, i), "storage"), name))
			return json_get_string(json_at(storages, i), "type");
	return NULL;
}

static bool is_like(const struct cluster_node *a, const struct cluster_node *b)
{
	return a->kind == b->kind && !strcmp(a->pve_node, b->pve_node) && text_same(a->template, b->template) &&
	       text_same(a->template_sha256, b->template_sha256);
}

int deploy_check_clones(struct deploy_check *k, const struct deploy_order *o, const struct cluster_node *n,
			long template, const struct json *storages, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct pve_guest guest = pve_exec_guest(n->pve_node, PVE_QEMU, template);

	if (pve_get_config_retry(k->of.pve, &guest, &config, err) < 0)
		return -1;
	const char *drive = json_get_string(config, "scsi0");
	if (!drive)
		return 0;
	CLEANUP(free_p) char *storage = xstrndup(drive, strcspn(drive, ":"));
	const char *type = type_of(storages, storage);
	if (!o->full && !can_link(type))
		target_check_miss(
			&k->of,
			"storage %s of template %ld on %s is of type %s, which cannot make linked clones; make "
			"full ones (--full)",
			storage, template, n->pve_node, type);
	for (size_t i = 0; i < o->cluster->nodes.n; i++) {
		const struct cluster_node *other = &o->cluster->nodes.at[i];
		if (is_like(n, other) && other->size.disk && other->size.disk < size_of(drive))
			target_check_miss(&k->of,
					  "node '%s': its disk of %s is smaller than that of template %ld, %s; make it "
					  "larger (`disk`)",
					  other->name, text_bytes(other->size.disk), template,
					  text_bytes(size_of(drive)));
	}
	return 0;
}

/* ---- containers ---- */

/* The version of Kubernetes, from the manifest next to the image; NULL = not known. */
static char *version_of(const char *path)
{
	CLEANUP(free_p)
	char *file = xasprintf("%.*s.manifest.json", (int)(strlen(path) - strlen(TARBALL)), path);
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *manifest = NULL;
	struct error ignored = { 0 };

	if (input_read(file, MANIFEST_MAX, &text, &ignored) < 0 ||
	    json_parse(file, text.data ? text.data : "", text.len, &manifest, &ignored) < 0)
		return NULL;
	return json_dup_string(json_get(manifest, "versions"), "kubernetes");
}

static bool is_too_old(const char *version)
{
	int major, minor;

	return version && sscanf(version, "%d.%d", &major, &minor) == 2 &&
	       (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR));
}

static bool has_container(const struct cluster *c)
{
	for (size_t i = 0; i < c->nodes.n; i++)
		if (c->nodes.at[i].kind == PVE_LXC)
			return true;
	return false;
}

int deploy_check_container(struct deploy_check *k, const struct deploy_order *o, struct error *err)
{
	const struct cluster *c = o->cluster;

	if (!has_container(c))
		return 0;
	CLEANUP(free_p) char *path = cluster_path_of(c->file, c->container);
	CLEANUP(close_p) int base = input_open(path, err);
	if (base < 0 || seed_tarball_check(base, path, err) < 0)
		return error_wrap(err, "%s: container", c->file);
	CLEANUP(free_p) char *version = text_ends(path, TARBALL) ? version_of(path) : NULL;
	if (is_too_old(version))
		target_check_miss(
			&k->of,
			"%s has Kubernetes %s, which does not run in an unprivileged container, and a token makes no "
			"others; take an image with %d.%d or later, or VMs (`kind: vm`)",
			path, version, OLDEST_MAJOR, OLDEST_MINOR);
	return 0;
}
