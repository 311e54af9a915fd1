/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/state.h"

#include "tests/unit/fake_root.h"

TEST(state_survives_the_disk)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s" STATE_FILE, path);
	CLEANUP(state_done) struct state wrote = { .leader = true, .started = true }, got = { 0 };
	CLEANUP(text_done) struct text a = { 0 }, b = { 0 };

	state_set_phase(&wrote, "joining");
	state_set_text(&wrote.waiting_for, "kubeadm join");
	state_set_text(&wrote.error, "a \"quoted\" error\n");
	state_set_text(&wrote.step, "kubeadm");
	state_set_text(&wrote.claim, "init");
	state_set_text(&wrote.endpoint, "10.0.0.10:6443");
	strings_add_all(&wrote.ca, "sha256:1", "sha256:2", NULL);
	CHECK(state_save(file, &wrote, &err) == 0 && state_load(file, &got, &err) == 0);
	CLEANUP(json_free_p) struct json *x = state_json(&wrote), *y = state_json(&got);
	json_print(x, false, &a);
	json_print(y, false, &b);
	CHECK_STR(b.data, a.data);
	CHECK(got.leader && got.started && got.ca.n == 2 && got.since);
	FAKE_ROOT_END();
}

/* The format: a file of today is read by later agents. */
TEST(state_reads_its_format)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s" STATE_FILE, path);
	CLEANUP(state_done) struct state got = { 0 };

	fake_put(path, STATE_FILE,
		 "{\"phase\": \"joining\", \"since\": \"2026-11-22T08:42:00Z\", \"waiting_for\": \"x\", \"error\": "
		 "\"y\","
		 " \"step\": \"rendezvous\", \"claim\": null, \"leader\": false, \"started\": true,"
		 " \"endpoint\": \"10.0.0.10:6443\", \"ca\": [\"sha256:1\", 7]}");
	CHECK(state_load(file, &got, &err) == 0);
	CHECK(!got.claim && !got.leader && got.started && got.ca.n == 1);
	CHECK_STR(got.step, "rendezvous");
	CLEANUP(free_p) char *line = state_text(&got);
	CHECK_STR(line, "joining since 2026-11-22T08:42:00Z, waiting for x; last error: y");
	FAKE_ROOT_END();
}

TEST(state_without_a_file)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s" STATE_FILE, path);
	CLEANUP(state_done) struct state got = { 0 };

	CHECK(state_load(file, &got, &err) == 0);
	CLEANUP(free_p) char *line = state_text(&got);
	CHECK_STR(line, "not configured");
	state_set_text(&got.error, "z");
	CLEANUP(free_p) char *failed = state_text(&got);
	CHECK_STR(failed, "not configured; error: z");
	FAKE_ROOT_END();
}

TEST(state_refuses_what_is_none)
{
	static const char *const texts[] = { "", "{", "[]", "{\"step\": \"kubeadm\"}" };
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s" STATE_FILE, path);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(state_done) struct state got = { 0 };
		fake_put(path, STATE_FILE, texts[i]);
		err = (struct error){ 0 };
		CHECK(state_load(file, &got, &err) < 0 && err.class == ERROR_INPUT && strstr(err.text, "start again"));
	}
	err = (struct error){ 0 };
	FAKE_ROOT_END();
}

TEST(state_dates_a_phase_once)
{
	CLEANUP(state_done) struct state state = { 0 };

	state_set_phase(&state, "booting");
	CHECK(state.since);
	state_set_text(&state.since, "then");
	state_set_phase(&state, "booting");
	CHECK_STR(state.since, "then");
	state_set_phase(&state, "joining");
	CHECK(strcmp(state.since, "then") != 0);
}
