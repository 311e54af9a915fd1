/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the files of preflight; not for other files.
 */
#include "agent/preflight.h"
#include "lib/macro.h"

/* The node that is checked; borrowed. */
struct subject {
	const struct node_config *node;
	const struct facts *machine;
	bool again;
	bool plane; /* it becomes a control plane */
};

/* kubeadm: the name of kubeadm's own check for the same; NULL = none. */
void preflight_add(const struct subject *s, struct findings *ret, enum finding_kind kind, const char *name,
		   const char *kubeadm, const char *fmt, ...) PRINTF(6, 7);

typedef void preflight_check(const struct subject *s, struct findings *ret);
preflight_check preflight_container;                   /* preflight_container.c */
extern preflight_check *const preflight_host_checks[]; /* preflight_host.c: kernel and hardware; ends with NULL */
