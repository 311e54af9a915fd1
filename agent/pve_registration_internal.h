/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What agent/registration*.c share.
 */
#include "agent/pve_registration.h"

#define PVE_REGISTRATION_TRIES 6   /* of one write or look while others change things under us */
#define PVE_REGISTRATION_PAUSE 0.2 /* seconds before the next, and so much more before each further */

/* Whether anything may be asked: there is an API, and it did not refuse our token. */
int pve_registration_ready(const struct pve_registration *r, struct error *err) MUST_CHECK;
/* After every call that failed: remembers a refusal. Returns -1. */
int pve_registration_failed(struct pve_registration *r);
/* Finds the node that the guest is on now. Nothing is kept when it is not in the list. */
int pve_registration_locate(struct pve_registration *r, long vmid, struct error *err) MUST_CHECK;
/* Takes one out of a list. */
void pve_registration_adopt(struct pve_registration *r, struct pve_guests *guests, size_t i);
