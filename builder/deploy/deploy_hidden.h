/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Guests that were made and that the token cannot see any more: their rights were taken away, they left the pool, or moved to a
 * node that the target does not name. They are neither made a second time nor taken for removed.
 */
#include "builder/deploy/deploy_session.h"

/* The hidden guest of a node that has no other guest, as far as the state shows; NULL = none. Those of broken do not count: what a
 * worker that died leaves is never seen. nodes: only these; NULL or empty = all. Pure. */
const struct seed_made *deploy_hidden_find(const struct deploy_state *s, const struct seed_secret *secret,
					   const struct vmid_list *broken, const struct strings *nodes);
/* ERROR_TARGET: which guest it is, where, and what to do. */
int deploy_hidden_refuse(struct deploy_session *job, const struct seed_made *made, struct error *err) MUST_CHECK;
