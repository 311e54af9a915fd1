/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/state.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"

#define STATE_MAX 65536
#define NOT_CONFIGURED "not configured"

/* The string fields of a state, by their names in the file. */
static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "phase", offsetof(struct state, phase) },
	{ "since", offsetof(struct state, since) },
	{ "waiting_for", offsetof(struct state, waiting_for) },
	{ "error", offsetof(struct state, error) },
	{ "step", offsetof(struct state, step) },
	{ "claim", offsetof(struct state, claim) },
	{ "endpoint", offsetof(struct state, endpoint) },
};

static char **text_at(struct state *state, size_t i)
{
	return (char **)((char *)state + texts[i].offset);
}

void state_set_text(char **field, const char *text)
{
	char *copy = xstrdup_or_null(text);

	free(*field);
	*field = copy;
}

void state_set_phase(struct state *state, const char *phase)
{
	char now[CLOCK_TEXT_MAX];

	if (text_same(state->phase, phase))
		return;
	state_set_text(&state->phase, phase);
	state_set_text(&state->since, clock_text(time(NULL), now));
}

static int parse(const char *file, const struct text *text, struct state *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = NULL;

	if (json_parse(file, text->data ? text->data : "", text->len, &json, err) < 0)
		return error_wrap(err, "remove %s to start again", file);
	if (!json_get_string(json, "phase"))
		return error_set(err, ERROR_INPUT, "%s: no phase in it; remove the file to start again", file);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		state_set_text(text_at(ret, i), json_get_string(json, texts[i].key));
	json_get_bool(json, "leader", &ret->leader);
	json_get_bool(json, "started", &ret->started);
	const struct json *ca = json_get(json, "ca");
	for (size_t i = 0; i < json_count(ca); i++)
		if (json_as_string(json_at(ca, i)))
			strings_add(&ret->ca, json_as_string(json_at(ca, i)));
	return 0;
}

int state_load(const char *file, struct state *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	*ret = (struct state){ 0 };
	if (access(file, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		state_set_text(&ret->phase, NOT_CONFIGURED);
		return 0;
	}
	if (file_read(AT_FDCWD, file, STATE_MAX, &text, err) < 0)
		return -1;
	return parse(file, &text, ret, err);
}

int state_save(const char *file, const struct state *state, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = state_json(state);
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(free_p) char *directory = xstrndup(file, (size_t)(strrchr(file, '/') - file));

	json_print(json, true, &text);
	if (dir_make(AT_FDCWD, directory, 0755, err) < 0)
		return -1;
	return file_write_durable(file, text.data, text.len, 0644, err);
}

char *state_text(const struct state *state)
{
	struct text text = { 0 };

	text_add(&text, state->phase);
	if (state->since)
		text_addf(&text, " since %s", state->since);
	if (state->waiting_for)
		text_addf(&text, ", waiting for %s", state->waiting_for);
	if (state->error)
		text_addf(&text, "; %s: %s", state->waiting_for ? "last error" : "error", state->error);
	return text_take(&text);
}

struct json *state_json(const struct state *state)
{
	struct json *json = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_put_string(json, texts[i].key, *text_at((struct state *)state, i));
	json_put_bool(json, "leader", state->leader);
	json_put_bool(json, "started", state->started);
	json_put_strings(json, "ca", &state->ca);
	return json;
}

void state_done(struct state *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(*text_at(state, i));
	strings_done(&state->ca);
	*state = (struct state){ 0 };
}
