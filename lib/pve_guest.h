/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The guests of Proxmox VE, virtual machines and containers: their list, and their configurations with updates by
 * compare-and-swap.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/pve.h"
#include "lib/text.h"

enum pve_kind { PVE_QEMU, PVE_LXC }; /* "qemu" and "lxc" in paths */

struct pve_guest {
	long vmid;
	enum pve_kind kind;
	char *node, *name, *status, *tags, *pool; /* owned; NULL = unknown; node is never NULL */
	bool template;
};

struct pve_guests {
	struct pve_guest *at; /* owned, sorted by vmid */
	size_t n, max;
};

/* The guests that the token may see (GET /cluster/resources?type=vm). */
int pve_list_guests(struct pve *pve, struct pve_guests *ret, struct error *err) MUST_CHECK;
/* The same from the answer's data; entries that are not guests are left out. Pure. */
void pve_parse_guests(const struct json *data, struct pve_guests *ret);
void pve_guests_done(struct pve_guests *guests);
void pve_guest_done(struct pve_guest *guest);
/* GET its config: an object with description, tags, digest, smbios1, netN, ... */
int pve_guest_config(struct pve *pve, const struct pve_guest *guest, struct json **ret, struct error *err) MUST_CHECK;
/* PUT its config; digest (from pve_guest_config) makes it compare-and-swap: PVE_CONFLICT when it changed in between. */
int pve_guest_update(struct pve *pve, const struct pve_guest *guest, const char *digest, const struct pve_param *params,
		     struct error *err) MUST_CHECK;
/* Whether a config belongs to the machine with this SMBIOS UUID or one of these MAC addresses: 1 = yes, -1 = no, 0 = unknown,
 * because the config has neither. uuid may be NULL. Pure. */
int pve_config_matches(const struct json *config, const char *uuid, const struct strings *macs);
