/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish.h"

#include <stdio.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/publish/publish_check.h"
#include "lib/clock.h"
#include "lib/job.h"

/* One run of publish: an order for each of its nodes. */
struct publication {
	const struct publish_options *options; /* borrowed */
	struct target target;
	struct publish_image image;
	struct publish_check check;
	VEC(const struct target_node *) nodes; /* borrowed from target */
	VEC(struct publish_order) orders;      /* same indices as nodes */
	VEC(bool) complete;                    /* same indices as nodes: nothing was to be made */
	VEC(size_t) copies;                    /* same indices as nodes: that were there */
};

static void publication_done(struct publication *p)
{
	vec_done(&p->nodes);
	vec_done(&p->orders);
	vec_done(&p->complete);
	vec_done(&p->copies);
	publish_check_done(&p->check);
	publish_image_done(&p->image);
	target_done(&p->target);
}

static void pve_close_p(struct pve **pve)
{
	pve_close(*pve);
}

static int choose_nodes(struct publication *p, struct error *err)
{
	const struct strings *wanted = &p->options->nodes;

	for (size_t i = 0; i < p->target.nodes.n; i++)
		if (!wanted->n || strings_has(wanted, p->target.nodes.at[i].name))
			vec_push(&p->nodes, &p->target.nodes.at[i]);
	for (size_t i = 0; i < wanted->n; i++) {
		size_t k = 0;
		while (k < p->nodes.n && strcmp(p->nodes.at[k]->name, wanted->at[i]) != 0)
			k++;
		if (k == p->nodes.n)
			return error_set(err, ERROR_USAGE, "--node %s: %s has no such node", wanted->at[i],
					 p->options->target);
	}
	return 0;
}

static void make_orders(struct publication *p)
{
	for (size_t i = 0; i < p->nodes.n; i++)
		vec_push(&p->orders, (struct publish_order){
					     .image = &p->image,
					     .target = &p->target,
					     .node = p->nodes.at[i]->name,
					     .storages = &p->nodes.at[i]->storages,
					     .firmware = p->options->firmware,
					     .replace = p->options->replace,
					     .retain = p->options->retain,
					     .now = time(NULL),
				     });
}

/* Only a template needs the key. */
static int open_notes_key(struct publication *p, struct error *err)
{
	CLEANUP(free_p) char *made = NULL;

	if (target_open_notes_key(&p->target, p->image.vm.path && !p->options->dry_run, &made, err) < 0)
		return -1;
	if (made)
		progress_notice(
			"%s was made: it signs the notes of templates; keep it, and give it to all who publish to this "
			"target or deploy from it",
			made);
	return 0;
}

static int prepare(struct publication *p, struct error *err)
{
	const struct publish_options *o = p->options;

	if (target_load(o->target, &p->target, err) < 0 ||
	    publish_image_load(o->image, o->parts, o->keyring, &p->image, err) < 0 ||
	    target_open(&p->target, err) < 0 || choose_nodes(p, err) < 0 || open_notes_key(p, err) < 0)
		return -1;
	make_orders(p);
	return 0;
}

/* Templates of versions that did not sign are among them. */
static void report_strangers(const struct publish_order *o, const struct publish_state *s)
{
	CLEANUP(free_p) char *place = target_notes_key_place(o->target);

	for (size_t i = 0; i < s->strangers.n; i++)
		progress_notice("%s: VM %ld says that it is a template of %s, but is not signed with %s: it does not "
				"count, and "
				"stays as it is; when it is yours, remove it by hand",
				o->node, s->strangers.at[i], o->image->name, place);
}

/* The steps that a node needs now. */
static int plan_node(struct pve *pve, const struct publish_order *o, unsigned parts, bool report,
		     struct publish_steps *ret, size_t *ret_copies, struct error *err)
{
	CLEANUP(publish_state_done) struct publish_state state = { 0 };
	struct publish_memory memory = { 0 };

	if (publish_state_read(pve, o->target, o->node, o->image->name, parts, &state, err) < 0)
		return -1;
	if (report)
		report_strangers(o, &state);
	publish_memory_begin(&memory, o, &state);
	publish_plan(o, &state, &memory, ret);
	publish_memory_done(&memory);
	*ret_copies = state.copies.n;
	return 0;
}

/* ---- before ---- */

/* A copy that is in use stays, although its removal is planned: read_result() compares. */
static bool makes_nothing(const struct publish_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		if (steps->at[i].act != PUBLISH_REMOVE)
			return false;
	return true;
}

/* Planning needs the token's rights; while some are missing, free space is checked as if every step were
 * needed. */
static int check_node(struct publication *p, size_t i, struct error *err)
{
	CLEANUP(pve_close_p) struct pve *pve = NULL;
	CLEANUP(publish_steps_done) struct publish_steps steps = { 0 };
	struct publish_order *o = &p->orders.at[i];
	bool blind = p->check.of.missing.n > 0;
	size_t copies = 0;

	if (target_connect(&p->target, p->nodes.at[i], &pve, err) < 0)
		return -1;
	if (!blind && plan_node(pve, o, p->options->parts, p->image.vm.path, &steps, &copies, err) < 0) {
		if (pve_failure(pve) == PVE_UNREACHABLE && i == 0)
			return -1;
		blind = true; /* the checks below give a better message */
	}
	vec_push(&p->complete, !blind && makes_nothing(&steps));
	vec_push(&p->copies, copies);
	p->check.of.pve = pve;
	return publish_check_node(&p->check, o, blind ? NULL : &steps, err);
}

static int check_target(struct publication *p, struct error *err)
{
	CLEANUP(pve_close_p) struct pve *pve = NULL;

	p->check.of.target = &p->target;
	if (target_connect(&p->target, p->nodes.at[0], &pve, err) < 0)
		return -1;
	p->check.of.pve = pve;
	if (target_check_version(&p->check.of, p->image.vm.path != NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < p->nodes.n; i++)
		if (publish_check_rights(&p->check, &p->orders.at[i], err) < 0)
			return -1;
	for (size_t i = 0; i < p->nodes.n; i++)
		if (check_node(p, i, err) < 0)
			return -1;
	for (size_t i = 0; i < p->check.warnings.n; i++)
		progress_notice("%s", p->check.warnings.at[i]);
	return target_check_report(&p->check.of, "the image", err);
}

/* In a shared storage, the last node that uses the upload deletes it. */
static void note_findings(struct publication *p)
{
	for (size_t i = 0; i < p->orders.n; i++)
		for (size_t k = i + 1; k < p->orders.n; k++)
			p->orders.at[i].keep_import |= p->check.shared && !strcmp(p->orders.at[i].storages->import,
										  p->orders.at[k].storages->import);
}

/* ---- the work ---- */

struct publish_node_run {
	const struct publication *p;
	size_t node;
};

static int run_node(void *context, struct error *err)
{
	const struct publish_node_run *e = context;
	CLEANUP(pve_close_p) struct pve *pve = NULL;

	if (target_connect(&e->p->target, e->p->nodes.at[e->node], &pve, err) < 0)
		return -1;
	return publish_node(pve, &e->p->orders.at[e->node], err);
}

static int run_in_turn(const struct publication *p, struct error *err)
{
	for (size_t i = 0; i < p->nodes.n; i++)
		if (run_node(&(struct publish_node_run){ p, i }, err) < 0)
			return -1;
	return 0;
}

/* The first failure is returned; publishing to the other nodes continues. */
static int finish_job(struct job *job, int rc, struct error *err)
{
	struct error later = { 0 };

	if (!job->pid)
		return rc;
	if (rc == 0)
		return job_wait(job, err);
	if (job_wait(job, &later) < 0)
		progress_notice("%s", later.text);
	return rc;
}

static int run_side_by_side(const struct publication *p, struct error *err)
{
	struct job jobs[PUBLISH_PARALLEL] = { 0 };
	struct publish_node_run runs[PUBLISH_PARALLEL];
	int rc = 0;

	for (size_t i = 0; i < p->nodes.n + PUBLISH_PARALLEL; i++) {
		size_t slot = i % PUBLISH_PARALLEL;
		rc = finish_job(&jobs[slot], rc, err);
		runs[slot] = (struct publish_node_run){ p, i };
		if (i < p->nodes.n &&
		    job_start(&jobs[slot], run_node, &runs[slot], rc ? &(struct error){ 0 } : err) < 0)
			rc = -1;
	}
	return rc;
}

/* ---- after ---- */

static struct json *node_result(const struct publication *p, size_t i, const struct publish_copy *ready)
{
	struct json *object = json_object();

	json_put_string(object, "node", p->orders.at[i].node);
	json_put_bool(object, "changed", !p->complete.at[i]);
	if (ready) {
		json_put_int(object, "vmid", ready->vmid);
		json_put_string(object, "name", ready->name);
	}
	if (p->image.ct.path)
		json_put_stringf(object, "template", "%s:vztmpl/%s", p->orders.at[i].storages->vztmpl,
				 p->image.ct.volume);
	return object;
}

static void add_result(const struct publication *p, size_t i, const struct publish_copy *ready, struct text *ret)
{
	const char *node = p->orders.at[i].node, *before = p->complete.at[i] ? " (was there)" : "";

	if (ready)
		text_addf(ret, "%s: VM %ld %s%s\n", node, ready->vmid, ready->name ? ready->name : "", before);
	if (p->image.ct.path)
		text_addf(ret, "%s: %s:vztmpl/%s%s\n", node, p->orders.at[i].storages->vztmpl, p->image.ct.volume,
			  before);
}

static void warn_of_settings(const struct publish_order *o, const struct publish_copy *ready)
{
	char settings[PUBLISH_NOTES_HASH + 1];

	publish_settings(o, settings);
	if (ready && strcmp(ready->published.settings, settings) != 0)
		progress_notice("%s: VM %ld was made with another storage, bridge or pool than the target has now; "
				"--replace creates it again",
				o->node, ready->vmid);
}

/* Reads the result from the node, since another publisher may have made it. */
static int read_result(struct publication *p, size_t i, struct json *list, struct text *said, struct error *err)
{
	const struct publish_order *o = &p->orders.at[i];
	CLEANUP(publish_state_done) struct publish_state state = { 0 };
	CLEANUP(pve_close_p) struct pve *pve = NULL;
	const struct publish_memory nothing = { 0 };

	if (target_connect(&p->target, p->nodes.at[i], &pve, err) < 0 ||
	    publish_state_read(pve, &p->target, o->node, p->image.name, p->options->parts, &state, err) < 0)
		return -1;
	const struct publish_copy *ready = p->image.vm.path ? publish_plan_ready(o, &state, &nothing) : NULL;
	p->complete.at[i] = p->complete.at[i] && state.copies.n == p->copies.at[i];
	warn_of_settings(o, ready);
	json_push(list, node_result(p, i, ready));
	add_result(p, i, ready, said);
	return 0;
}

static int print_result(struct publication *p, struct text *said, struct error *err)
{
	CLEANUP(json_free_p) struct json *result = json_object();
	CLEANUP(json_free_p) struct json *nodes = json_array();

	for (size_t i = 0; i < p->nodes.n; i++)
		if (read_result(p, i, nodes, said, err) < 0)
			return -1;
	json_put_string(result, "image", p->image.name);
	json_put_string(result, "version", p->image.version);
	json_put_string(result, "sha256", p->image.vm.path ? p->image.vm.sha256 : p->image.ct.sha256);
	json_put(result, "nodes", TAKE(nodes));
	progress_result(result);
	return 0;
}

static int add_plan(struct publication *p, size_t i, struct json *list, struct text *said, struct error *err)
{
	CLEANUP(pve_close_p) struct pve *pve = NULL;
	CLEANUP(publish_steps_done) struct publish_steps steps = { 0 };
	const struct publish_order *o = &p->orders.at[i];
	size_t copies;

	if (target_connect(&p->target, p->nodes.at[i], &pve, err) < 0 ||
	    plan_node(pve, o, p->options->parts, false, &steps, &copies, err) < 0)
		return -1;
	for (size_t k = 0; k < steps.n; k++) {
		CLEANUP(text_done) struct text words = { 0 };
		publish_step_text(o, &steps.at[k], &words);
		text_addf(said, "%s: %s\n", o->node, words.data);
		json_push(list, json_string(words.data));
	}
	if (!steps.n)
		text_addf(said, "%s: nothing to do\n", o->node);
	return 0;
}

static int print_plan(struct publication *p, struct text *said, struct error *err)
{
	CLEANUP(json_free_p) struct json *result = json_object();

	for (size_t i = 0; i < p->nodes.n; i++) {
		CLEANUP(json_free_p) struct json *list = json_array();
		if (add_plan(p, i, list, said, err) < 0)
			return -1;
		json_put(result, p->nodes.at[i]->name, TAKE(list));
	}
	progress_result(result);
	return 0;
}

int publish_run(const struct publish_options *options, struct text *ret_said, struct error *err)
{
	CLEANUP(publication_done) struct publication p = { .options = options };

	if (prepare(&p, err) < 0 || check_target(&p, err) < 0)
		return -1;
	note_findings(&p);
	if (options->dry_run)
		return print_plan(&p, ret_said, err);
	bool in_turn = p.check.shared || p.nodes.n == 1;
	if ((in_turn ? run_in_turn(&p, err) : run_side_by_side(&p, err)) < 0)
		return -1;
	return print_result(&p, ret_said, err);
}
