/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/fault.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>

#include "lib/alloc.h"

const char *const fault_severity_names[] = { [FAULT_WARNING] = "warning", [FAULT_ERROR] = "error" };

/* "KIND:PATTERN" */
static bool accepts(const char *argument, const struct fault *f)
{
	const char *name = fault_kinds[f->id].name;
	size_t n = strlen(name);

	return !strncmp(argument, name, n) && argument[n] == ':' &&
	       fnmatch(argument + n + 1, f->path ? f->path : "", 0) == 0;
}

void faults_add(struct faults *f, enum fault_id id, const char *path, const char *fmt, ...)
{
	struct fault finding = { .id = id, .path = xstrdup_or_null(path) };
	va_list ap;

	va_start(ap, fmt);
	finding.text = xvasprintf(fmt, ap);
	va_end(ap);
	for (size_t i = 0; f->accept && i < f->accept->n; i++)
		finding.accepted |= accepts(f->accept->at[i], &finding);
	if (f->count[finding.accepted][id]++ < FAULTS_MAX) {
		vec_push(&f->list, finding);
		return;
	}
	free(finding.path);
	free(finding.text);
}

void faults_end(struct faults *f)
{
	for (size_t id = 0; id < FAULT_KINDS; id++)
		if (f->count[false][id] > FAULTS_MAX)
			vec_push(&f->list, ((struct fault){ .id = (enum fault_id)id,
							    .text = xasprintf("and %zu more like these",
									      f->count[false][id] - FAULTS_MAX) }));
}

bool faults_has(const struct faults *f, const char *path)
{
	for (size_t i = 0; i < f->list.n; i++) {
		const struct fault *fault = &f->list.at[i];
		size_t n = fault->path ? strlen(fault->path) : 0;
		if (!n || fault->accepted || strncmp(fault->path, path, n) != 0)
			continue;
		if (!path[n] || (path[n] == '/' && fault->id == FAULT_LEFTOVER))
			return true;
	}
	return false;
}

size_t faults_errors(const struct faults *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->list.n; i++)
		n += !f->list.at[i].accepted && fault_kinds[f->list.at[i].id].severity == FAULT_ERROR;
	return n;
}

const char *fault_accept_error(const char *argument)
{
	const char *colon = strchr(argument, ':');

	if (!colon)
		return "it must be KIND:PATH";
	for (size_t i = 0; i < FAULT_KINDS; i++)
		if (strlen(fault_kinds[i].name) == (size_t)(colon - argument) &&
		    !strncmp(argument, fault_kinds[i].name, (size_t)(colon - argument)))
			return NULL;
	return "there is no such kind of finding; `verify --json` names the kind of each";
}

struct json *faults_json(const struct faults *f)
{
	struct json *all = json_array();

	for (size_t i = 0; i < f->list.n; i++) {
		const struct fault *finding = &f->list.at[i];
		struct json *one = json_object();
		json_put_string(one, "kind", fault_kinds[finding->id].name);
		json_put_string(one, "severity", fault_severity_names[fault_kinds[finding->id].severity]);
		json_put_string(one, "path", finding->path);
		json_put_string(one, "message", finding->text);
		json_put_bool(one, "accepted", finding->accepted);
		json_push(all, one);
	}
	return all;
}

void faults_done(struct faults *f)
{
	for (size_t i = 0; i < f->list.n; i++) {
		free(f->list.at[i].path);
		free(f->list.at[i].text);
	}
	vec_done(&f->list);
}
