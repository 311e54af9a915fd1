/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which cards cloud-init's configuration of the network means. Two kinds of names mean less to networkd than to the writer of the seed:
 *
 *	eth0	where no card has this name: Proxmox VE's ConfigDrive drives name netN so, without a MAC address. It is the N-th card
 *		(agent/cards.h).
 *	e*	with a static address: networkd would give the address to every card. It is the first one; the others stay without.
 *
 * A drop-in below /run makes networkd match that card alone. What cloud-init wrote stays as it is, and so does what has a MAC
 * address. nodekiln-cards.service calls this between cloud-init and networkd.
 */
#include "agent/cards.h"
#include "lib/error.h"

int card_match(const char *root, struct error *err) MUST_CHECK;
/* The card that a .network file of this content means, when its name must be written out for networkd; else NULL. Pure. */
const struct card *card_match_find(const struct cards *cards, const char *network);
/* The name in [Match] that no card has, where the file has neither a MAC address nor another match; NULL = there is none. Owned by the
 * caller. Pure. */
char *card_match_absent(const struct cards *cards, const char *network) MUST_CHECK;
/* Calls fn for each file that cloud-init wrote for networkd: its name without directories, and its content. -1 ends it. */
int card_match_each(int rootfd, int (*fn)(const char *name, const char *network, void *context, struct error *err),
		    void *context, struct error *err) MUST_CHECK;
