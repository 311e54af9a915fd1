/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"

#define STATE_MAX 65536

static char *copy_of(const struct json *object, const char *key)
{
	const char *value = json_get_string(object, key);

	return value ? xstrdup(value) : NULL;
}

static int parse(const char *file, const struct text *text, struct state *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = NULL;

	if (json_parse(file, text->data ? text->data : "", text->len, &json, err) < 0)
		return -1;
	if (!json_get_string(json, "phase"))
		return error_set(err, ERROR_RECIPE, "%s: no phase in it; remove the file to start again", file);
	*ret = (struct state){
		.phase = copy_of(json, "phase"),
		.since = copy_of(json, "since"),
		.waiting_for = copy_of(json, "waiting_for"),
	};
	return 0;
}

int state_load(const char *file, struct state *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (access(file, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*ret = (struct state){ .phase = xstrdup("not configured") };
		return 0;
	}
	if (file_read(AT_FDCWD, file, STATE_MAX, &text, err) < 0)
		return -1;
	return parse(file, &text, ret, err);
}

char *state_text(const struct state *state)
{
	struct text text = { 0 };

	text_add(&text, state->phase);
	if (state->since)
		text_addf(&text, " since %s", state->since);
	if (state->waiting_for)
		text_addf(&text, ", waiting for %s", state->waiting_for);
	return text_take(&text);
}

struct json *state_json(const struct state *state)
{
	struct json *json = json_object();

	json_put_string(json, "phase", state->phase);
	json_put_string(json, "since", state->since);
	json_put_string(json, "waiting_for", state->waiting_for);
	return json;
}

void state_done(struct state *state)
{
	free(state->phase);
	free(state->since);
	free(state->waiting_for);
	*state = (struct state){ 0 };
}
