/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by agent/pve_registration*.c.
 */
#include "agent/pve_registration.h"

#define PVE_REGISTRATION_TRIES 6   /* of one write or look while other clients write */
#define PVE_REGISTRATION_PAUSE 0.2 /* seconds before the second try; multiplied by the number of tries so far */

/* Whether requests are possible: there is an API, and it has not refused our token. */
int pve_registration_ready(const struct pve_registration *r, struct error *err) MUST_CHECK;
/* To be called after every call that failed: records a refusal. Returns -1. */
int pve_registration_failed(struct pve_registration *r);
/* Finds the PVE node that the guest is on now. r->guest stays as it is when the guest is not in the list. */
int pve_registration_locate(struct pve_registration *r, long vmid, struct error *err) MUST_CHECK;
/* Moves guests->at[i] into r->guest. */
void pve_registration_adopt(struct pve_registration *r, struct pve_guests *guests, size_t i);
