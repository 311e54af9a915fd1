/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_guard.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/clock.h"

#define NAP_FIRST 1.0 /* seconds */
#define NAP_LAST 30.0

/* 1, 2, 4 .. 30 seconds. */
static void nap(unsigned times)
{
	double seconds = times < 6 ? NAP_FIRST * (double)(1u << (times - 1)) : NAP_LAST;

	clock_nap(seconds < NAP_LAST ? seconds : NAP_LAST);
}

static size_t row_of(struct pve_guard *g, const char *step)
{
	for (size_t i = 0; i < g->rows.n; i++)
		if (!strcmp(g->rows.at[i].step, step))
			return i;
	vec_push(&g->rows, (struct pve_guard_row){ .step = xstrdup(step) });
	return g->rows.n - 1;
}

void pve_guard_look(struct pve_guard *g)
{
	g->at = 0;
}

int pve_guard_begin(struct pve_guard *g, const char *step, struct error *err)
{
	size_t i = row_of(g, step);

	g->at = i + 1;
	g->reads = 0;
	if (g->rows.at[i].done >= PVE_GUARD_DONE)
		return error_set(err, ERROR_TARGET,
				 "`%s` was done %u times and is still to do: Proxmox VE does not show its result, or "
				 "something undoes it; look at the tasks there, then run the command again",
				 step, g->rows.at[i].done);
	if (g->rows.at[i].done)
		nap(g->rows.at[i].done);
	return 0;
}

void pve_guard_done(struct pve_guard *g)
{
	g->rows.at[g->at - 1].done++;
}

bool pve_guard_again(struct pve_guard *g)
{
	unsigned *failed = g->at ? &g->rows.at[g->at - 1].failed : &g->reads;

	for (size_t i = 0; g->at && i < g->rows.n; i++)
		g->rows.at[i].done = 0;
	if (++*failed >= PVE_GUARD_FAILED)
		return false;
	nap(*failed);
	return true;
}

void pve_guard_free(struct pve_guard *g)
{
	for (size_t i = 0; i < g->rows.n; i++)
		free(g->rows.at[i].step);
	vec_done(&g->rows);
}
