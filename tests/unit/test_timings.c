/* SPDX-License-Identifier: Apache-2.0 */
/* The timings of a build as text and as JSON. */
#include "builder/progress/timings.h"
#include "tests/unit/check.h"

static struct timings two_phases(void)
{
	struct timings w = { .seconds = 10, .cpu = 12.5 };

	vec_push(&w.phases, ((struct phase){ .name = "unpack", .begin = 0, .seconds = 5, .cpu = 9.5 }));
	vec_push(&w.phases, ((struct phase){ .name = "configure", .begin = 5, .seconds = 4.9996, .cpu = 3 }));
	return w;
}

TEST(timings_text_bars)
{
	CLEANUP(timings_done) struct timings w = two_phases();
	CLEANUP(text_done) struct text t = { 0 };

	timings_text(&w, 61, &t);
	CHECK_STR(t.data, "phase             begin   wall    cpu  seconds; cores busy: - under half, = one, # more\n"
			  "unpack              0.0    5.0    9.5  ###########\n"
			  "configure           5.0    5.0    3.0            ==========\n"
			  "all                       10.0   12.5\n");
}

TEST(timings_text_shortest_bar)
{
	CLEANUP(timings_done) struct timings w = { 0 };
	CLEANUP(text_done) struct text t = { 0 };

	vec_push(&w.phases, ((struct phase){ .name = "seal" }));
	timings_text(&w, 0, &t);
	CHECK(strstr(t.data, "seal                0.0    0.0    0.0  -\n"));
}

TEST(timings_json_milliseconds)
{
	CLEANUP(timings_done) struct timings w = two_phases();
	CLEANUP(json_free_p) struct json *json = timings_json(&w);
	CLEANUP(text_done) struct text t = { 0 };

	json_print(json, false, &t);
	CHECK_STR(t.data, "{\"wall\":10,\"cpu\":12.5,\"phases\":["
			  "{\"name\":\"unpack\",\"begin\":0,\"wall\":5,\"cpu\":9.5},"
			  "{\"name\":\"configure\",\"begin\":5,\"wall\":5,\"cpu\":3}]}");
}
