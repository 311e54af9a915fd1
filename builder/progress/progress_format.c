/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/progress/progress_format.h"

#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/json.h"

#define PLAIN_INTERVAL 30.0 /* seconds between the lines in a log about a phase that still runs */
#define JSON_INTERVAL 1.0

#define RATE_MIN_SECONDS 2.0 /* seconds before a rate is meaningful */

#define NAME_COLUMNS 12
#define BAR_MIN 8 /* a narrower bar shows nothing */
#define BAR_MAX 30

#define GREEN "\033[32m"
#define YELLOW "\033[1;33m"
#define NORMAL "\033[0m"

void progress_format_seconds(double seconds, struct text *ret)
{
	unsigned whole = (unsigned)(seconds + 0.5);

	if (seconds < 99.95)
		text_addf(ret, "%.1f s", seconds);
	else
		text_addf(ret, "%u min %02u s", whole / 60, whole % 60);
}

static void add_bytes(const struct phase *p, struct text *ret)
{
	if (p->total)
		text_addf(ret, "%s of %s", text_bytes(p->done), text_bytes(p->total));
	else if (p->done)
		text_add(ret, text_bytes(p->done));
}

/* Bytes per second, and in *ret_left the seconds left. 0: not known yet. */
static double rate_of(const struct phase *p, double seconds, double *ret_left)
{
	if (!p->total || !p->done || p->done >= p->total || seconds < RATE_MIN_SECONDS)
		return 0;
	*ret_left = (double)(p->total - p->done) * seconds / (double)p->done;
	return (double)p->done / seconds;
}

/* ", 112 MiB/s, 3.4 s left" */
static void add_rate(const struct phase *p, double seconds, struct text *ret)
{
	double left, rate = rate_of(p, seconds, &left);

	if (rate <= 0)
		return;
	text_addf(ret, ", %s/s, ", text_bytes((unsigned long long)rate));
	progress_format_seconds(left, ret);
	text_add(ret, " left");
}

/* "unpack: 237 packages, 4.8 s" */
static void add_sentence(const struct phase *p, double seconds, const char *before, const char *after, struct text *ret)
{
	text_addf(ret, "%s%s%s: ", before, p->name, after);
	if (*p->text)
		text_addf(ret, "%s, ", p->text);
	progress_format_seconds(seconds, ret);
}

/* ---- plain lines ---- */

static void silent_begin(const struct phase *p UNUSED, const struct progress_context *c UNUSED, struct text *ret UNUSED)
{
}

static void plain_running(struct phase *p, const struct progress_context *c, struct text *ret)
{
	if (c->now - p->reported < PLAIN_INTERVAL)
		return;
	p->reported = c->now;
	add_sentence(p, c->now - p->begin, "", "", ret);
	text_add(ret, " so far");
	if (p->done || p->total) {
		text_add(ret, ", ");
		add_bytes(p, ret);
		add_rate(p, c->now - p->begin, ret);
	}
	text_add(ret, "\n");
}

static void plain_end(const struct phase *p, const struct progress_context *c UNUSED, struct text *ret)
{
	add_sentence(p, p->seconds, "", "", ret);
	text_add(ret, "\n");
}

static void plain_notice(const char *text, const struct progress_context *c UNUSED, struct text *ret)
{
	text_addf(ret, "warning: %s\n", text);
}

/* ---- bars ---- */

/* Adds at most `columns` bytes of a line, without cutting a character in two. */
static void add_clipped(struct text *ret, const char *line, size_t columns)
{
	size_t n = strlen(line);

	if (n > columns)
		for (n = columns; n > 0 && (line[n] & 0xc0) == 0x80; n--)
			;
	text_addn(ret, line, n);
}

static void add_meter(const struct phase *p, size_t width, struct text *ret)
{
	uint64_t done = p->done < p->total ? p->done : p->total;
	size_t full = (size_t)((double)done / (double)p->total * (double)width);

	text_add(ret, "[");
	for (size_t i = 0; i < width; i++)
		text_add(ret, i < full ? "#" : "-");
	text_add(ret, "] ");
}

static void bar_running(struct phase *p, const struct progress_context *c, struct text *ret)
{
	CLEANUP(text_done) struct text line = { 0 }, tail = { 0 };
	size_t columns = c->columns > 1 ? c->columns - 1 : 79; /* the last column would wrap */

	add_bytes(p, &tail);
	text_add(&tail, tail.len ? ", " : "");
	progress_format_seconds(c->now - p->begin, &tail);
	add_rate(p, c->now - p->begin, &tail);

	text_addf(&line, "%-*s ", NAME_COLUMNS, p->name);
	size_t used = line.len + tail.len + 3; /* brackets and a space */
	if (p->total && columns >= used + BAR_MIN)
		add_meter(p, columns - used < BAR_MAX ? columns - used : BAR_MAX, &line);
	else if (*p->text && columns >= used + strlen(p->text))
		text_addf(&line, "%s, ", p->text);
	text_add(&line, tail.data);
	add_clipped(ret, line.data, columns);
}

static void bar_end(const struct phase *p, const struct progress_context *c, struct text *ret)
{
	add_sentence(p, p->seconds, c->color ? GREEN : "", c->color ? NORMAL : "", ret);
	text_add(ret, "\n");
}

static void bar_notice(const char *text, const struct progress_context *c, struct text *ret)
{
	text_addf(ret, "%swarning: %s%s\n", c->color ? YELLOW : "", text, c->color ? NORMAL : "");
}

/* ---- JSON events ---- */

static double milliseconds(double seconds)
{
	return (double)(int64_t)(seconds * 1000 + 0.5) / 1000;
}

static struct json *event_new(const char *event, const struct progress_context *c)
{
	struct json *object = json_object();

	json_put_double(object, "time", milliseconds(c->date));
	json_put_string(object, "event", event);
	return object;
}

static void event_add(struct json *event, struct text *ret)
{
	json_print(event, false, ret);
	text_add(ret, "\n");
	json_free(event);
}

static void phase_event(const char *name, const struct phase *p, double seconds, const struct progress_context *c,
			struct text *ret)
{
	struct json *event = event_new(name, c);

	json_put_string(event, "phase", p->name);
	if (*p->text)
		json_put_string(event, "text", p->text);
	if (p->done || p->total)
		json_put_int(event, "done", (int64_t)p->done);
	if (p->total)
		json_put_int(event, "total", (int64_t)p->total);
	json_put_double(event, "seconds", milliseconds(seconds));
	event_add(event, ret);
}

static void json_begin(const struct phase *p, const struct progress_context *c, struct text *ret)
{
	phase_event("begin", p, 0, c, ret);
}

static void json_running(struct phase *p, const struct progress_context *c, struct text *ret)
{
	if (c->now - p->reported < JSON_INTERVAL)
		return;
	p->reported = c->now;
	phase_event("progress", p, c->now - p->begin, c, ret);
}

static void json_end(const struct phase *p, const struct progress_context *c, struct text *ret)
{
	phase_event("end", p, p->seconds, c, ret);
}

static void json_notice(const char *text, const struct progress_context *c, struct text *ret)
{
	struct json *event = event_new("notice", c);

	json_put_string(event, "text", text);
	event_add(event, ret);
}

void progress_format_result(const char *result, const struct progress_context *c, struct text *ret)
{
	text_addf(ret, "{\"time\":%.3f,\"event\":\"result\",\"result\":%s}\n", c->date, result);
}

void progress_format_failure(const struct error *err, const struct progress_context *c, struct text *ret)
{
	struct json *event = event_new("failure", c);

	CLEANUP(free_p) char *full = error_full(err);
	json_put_string(event, "text", full);
	json_put_int(event, "code", err->class);
	event_add(event, ret);
}

const struct progress_format progress_format_plain = {
	.fd = 2,
	.interval_ms = 1000,
	.begin = silent_begin,
	.running = plain_running,
	.end = plain_end,
	.notice = plain_notice,
};
const struct progress_format progress_format_bar = {
	.fd = 2,
	.interval_ms = 200,
	.transient = true,
	.begin = silent_begin,
	.running = bar_running,
	.end = bar_end,
	.notice = bar_notice,
};
const struct progress_format progress_format_json = {
	.fd = 1,
	.interval_ms = 250,
	.begin = json_begin,
	.running = json_running,
	.end = json_end,
	.notice = json_notice,
};
