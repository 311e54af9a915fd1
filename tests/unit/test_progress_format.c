/* SPDX-License-Identifier: Apache-2.0 */
/* The text that each format makes of a phase. */
#include "builder/progress/progress_format.h"

#include <stdio.h>

#include "tests/unit/check.h"

static const struct progress_context stage = { .now = 104.5, .date = 1700000000.25, .columns = 80 };

static struct phase phase_of(const char *name, const char *text, uint64_t done, uint64_t total)
{
	struct phase p = {
		.begin = 100, .reported = 100, .seconds = 4.5, .done = done, .total = total, .running = true
	};

	snprintf(p.name, sizeof p.name, "%s", name);
	snprintf(p.text, sizeof p.text, "%s", text);
	return p;
}

static const char *running(const struct progress_format *v, struct phase p, const struct progress_context *s)
{
	static struct text t;

	text_done(&t);
	v->running(&p, s, &t);
	return t.data ? t.data : "";
}

static const char *ended(const struct progress_format *v, struct phase p, const struct progress_context *s)
{
	static struct text t;

	text_done(&t);
	v->end(&p, s, &t);
	return t.data;
}

TEST(progress_format_seconds_units)
{
	CLEANUP(text_done) struct text t = { 0 };

	progress_format_seconds(4.84, &t);
	text_add(&t, "|");
	progress_format_seconds(99.94, &t);
	text_add(&t, "|");
	progress_format_seconds(99.96, &t);
	text_add(&t, "|");
	progress_format_seconds(187.4, &t);
	CHECK_STR(t.data, "4.8 s|99.9 s|1 min 40 s|3 min 07 s");
}

TEST(progress_format_plain_end)
{
	CHECK_STR(ended(&progress_format_plain, phase_of("unpack", "237 packages", 0, 0), &stage),
		  "unpack: 237 packages, 4.5 s\n");
	CHECK_STR(ended(&progress_format_plain, phase_of("seal", "", 0, 0), &stage), "seal: 4.5 s\n");
}

TEST(progress_format_plain_after_interval)
{
	struct progress_context late = { .now = 131, .date = 0 };

	CHECK_STR(running(&progress_format_plain, phase_of("fetch", "", 1 << 20, 4 << 20), &stage), "");
	CHECK_STR(running(&progress_format_plain, phase_of("fetch", "", 1 << 20, 4 << 20), &late),
		  "fetch: 31.0 s so far, 1.0 MiB of 4.0 MiB, 33 KiB/s, 93.0 s left\n");
}

TEST(progress_format_bar_fits_terminal)
{
	struct progress_context s = stage;
	struct phase p = phase_of("fetch", "237 packages", 1 << 20, 4 << 20);

	CHECK_STR(running(&progress_format_bar, p, &s),
		  "fetch        [###-----------] 1.0 MiB of 4.0 MiB, 4.5 s, 228 KiB/s, 13.5 s left");
	for (s.columns = 1; s.columns < 200; s.columns++) {
		size_t n = strlen(running(&progress_format_bar, p, &s));
		CHECK(s.columns == 1 || n <= s.columns - 1);
	}
	s.columns = 30;
	CHECK_STR(running(&progress_format_bar, p, &s), "fetch        1.0 MiB of 4.0 M");
}

TEST(progress_format_bar_without_total)
{
	CHECK_STR(running(&progress_format_bar, phase_of("configure", "237 packages", 0, 0), &stage),
		  "configure    237 packages, 4.5 s");
	/* More done than there was to do is a full bar, not a crash. */
	CHECK(strstr(running(&progress_format_bar, phase_of("disk", "", 9, 3), &stage),
		     "[##############################]"));
}

TEST(progress_format_bar_keeps_characters_whole)
{
	struct progress_context narrow = { .now = 104.5, .columns = 4 };

	CHECK_STR(running(&progress_format_bar, phase_of("ab\xc3\xa4\xc3\xa4", "", 0, 0), &narrow), "ab");
}

TEST(progress_format_json_events)
{
	CHECK_STR(ended(&progress_format_json, phase_of("unpack", "237 \"p\"", 5, 9), &stage),
		  "{\"time\":1700000000.25,\"event\":\"end\",\"phase\":\"unpack\",\"text\":\"237 \\\"p\\\"\","
		  "\"done\":5,\"total\":9,\"seconds\":4.5}\n");
}

TEST(progress_format_failure_event)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	error_set(&err, ERROR_NETWORK, "no route");
	progress_format_failure(&err, &stage, &t);
	CHECK_STR(t.data, "{\"time\":1700000000.25,\"event\":\"failure\",\"text\":\"no route\",\"code\":5}\n");
}

TEST(progress_format_json_progress_after_interval)
{
	struct progress_context late = { .now = 101.5, .date = 1700000000 };
	struct phase p = phase_of("fetch", "", 0, 0);

	CHECK_STR(running(&progress_format_json, p, &late),
		  "{\"time\":1700000000,\"event\":\"progress\",\"phase\":\"fetch\",\"seconds\":1.5}\n");
	p.reported = 101;
	CHECK_STR(running(&progress_format_json, p, &late), "");
}

static const char *noticed(const struct progress_format *f, const struct progress_context *c)
{
	static struct text t;

	text_done(&t);
	f->notice("end of life", c, &t);
	return t.data;
}

TEST(progress_format_notices)
{
	struct progress_context colored = { .color = true, .date = 7 };

	CHECK_STR(noticed(&progress_format_plain, &colored), "warning: end of life\n");
	CHECK_STR(noticed(&progress_format_bar, &stage), "warning: end of life\n");
	CHECK_STR(noticed(&progress_format_bar, &colored), "\033[1;33mwarning: end of life\033[0m\n");
	CHECK_STR(noticed(&progress_format_json, &colored),
		  "{\"time\":7,\"event\":\"notice\",\"text\":\"end of life\"}\n");
}

TEST(progress_format_result_is_one_line)
{
	CLEANUP(text_done) struct text t = { 0 };

	progress_format_result("{\"x\":1}", &stage, &t);
	CHECK_STR(t.data, "{\"time\":1700000000.250,\"event\":\"result\",\"result\":{\"x\":1}}\n");
}
