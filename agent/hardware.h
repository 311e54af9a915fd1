/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What this machine lacks so that it cannot become a node, or becomes another than was meant: a network card that the kernel
 * drives, a seed, a single one. Nothing fails then, and without a network or a key no user can log in to look: so nodekiln-hardware.service says it on every
 * console and above the login prompt, and `nodekiln-agent status` prints it.
 */
#include "lib/error.h"
#include "lib/text.h"

/* Adds a sentence for each fault. Not for containers, whose host gives them their network and their configuration. */
int hardware_faults(const char *root, struct strings *ret, struct error *err) MUST_CHECK;
/* Says them through the kernel's log on every console, and keeps them for the login prompt and hardware_reported(). */
int hardware_report(const char *root, struct error *err) MUST_CHECK;
/* Adds what hardware_report() found at this boot. */
#define HARDWARE_FAULTS_FILE "/run/issue.d/50-nodekiln.issue"
void hardware_reported(const char *root, struct strings *ret);
