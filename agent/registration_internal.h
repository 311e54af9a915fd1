/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What agent/registration*.c share.
 */
#include "agent/registration.h"

#define REGISTRATION_TRIES 6   /* of one write or look while others change things under us */
#define REGISTRATION_PAUSE 0.2 /* seconds before the next, and so much more before each further */

/* Whether anything may be asked: there is an API, and it did not refuse our token. */
int registration_ready(const struct registration *r, struct error *err) MUST_CHECK;
/* After every call that failed: remembers a refusal. Returns -1. */
int registration_failed(struct registration *r);
/* Finds the node that the guest is on now. Nothing is kept when it is not in the list. */
int registration_locate(struct registration *r, long vmid, struct error *err) MUST_CHECK;
/* Takes one out of a list. */
void registration_adopt(struct registration *r, struct pve_guests *guests, size_t i);
