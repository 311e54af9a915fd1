/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include "lib/node_record.h"

#define HASH "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LINE "nodekiln: {\"role\":\"worker\",\"state\":\"ready\",\"cluster\":\"lab\"}"

static struct node_record worker(void)
{
	return (struct node_record){ .cluster = "lab", .role = NODE_WORKER, .state = NODE_RECORD_READY };
}

static struct node_record full(struct strings *ca)
{
	strings_add(ca, HASH);
	return (struct node_record){ .cluster = "lab",
				     .role = NODE_INIT,
				     .state = NODE_RECORD_FAILED,
				     .since = "2026-11-22T10:00:00Z",
				     .vmid = 101,
				     .node = "cp1.example",
				     .version = "v1.34.0-rc.1",
				     .endpoint = "[fd00::1]:6443",
				     .ca = *ca,
				     .claim = "init",
				     .mark = "5f3c9a12",
				     .error = "kubeadm: \"quoted\", and a \\ too" };
}

TEST(node_record_round_trip)
{
	CLEANUP(strings_done) struct strings ca = { 0 };
	struct node_record m = full(&ca);
	CLEANUP(node_record_done) struct node_record back = { 0 };
	CLEANUP(free_p) char *notes = NULL;
	CLEANUP(free_p) char *tags = node_record_tags(&m, "");
	struct error err = { 0 };

	CHECK(node_record_notes(&m, "", &notes, &err) == 0);
	CHECK(!strchr(notes, '\n'));
	node_record_parse(tags, notes, &back);
	CHECK(node_record_same(&m, &back));
}

TEST(node_record_tags_keep_others)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "", "k8s.cluster.lab;k8s.role.worker;k8s.state.ready" },
		{ "prod;web", "prod;web;k8s.cluster.lab;k8s.role.worker;k8s.state.ready" },
		{ "prod, web k8s.mine", "prod;web;k8s.mine;k8s.cluster.lab;k8s.role.worker;k8s.state.ready" },
		{ "k8s.state.booting;a;K8s.Cluster.old;k8s.role.init;k8s.state.failed",
		  "a;k8s.cluster.lab;k8s.role.worker;k8s.state.ready" },
	};
	struct node_record m = worker();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *tags = node_record_tags(&m, cases[i].before);
		CLEANUP(free_p) char *again = node_record_tags(&m, tags);
		CHECK_STR(tags, cases[i].after);
		CHECK_STR(again, tags);
	}
	CLEANUP(free_p) char *none = node_record_tags(&m, NULL);
	CHECK_STR(none, cases[0].after);
}

TEST(node_record_tags_same_ignores_order_and_case)
{
	CHECK(node_record_tags_same("b;a,A c", "A;c;B"));
	CHECK(node_record_tags_same(NULL, ""));
	CHECK(!node_record_tags_same("a", "a;b"));
	CHECK(!node_record_tags_same("a;b", "a"));
}

TEST(node_record_notes_keep_others)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "", LINE },
		{ "\n", LINE },
		{ "Ask Ann.", "Ask Ann.\n\n" LINE },
		{ "Ask Ann.\n", "Ask Ann.\n\n" LINE },
		{ "two blanks  \n", "two blanks  \n\n" LINE },
		{ "Grüße\t\n\n\n", "Grüße\t\n\n" LINE },
		{ "nodekiln: {}", LINE },
		{ "above\nnodekiln: {\"state\":\"booting\"}\nbelow  \n\nlast\n", "above\n" LINE "\nbelow  \n\nlast\n" },
		{ "above\r\nnodekiln: {old}\r\nbelow\r\n", "above\r\n" LINE "\r\nbelow\r\n" },
		{ "nodekiln: {cut\nx\nnodekiln: {second}\ny\nnodekiln: {third}", LINE "\nx\ny\n" },
		{ "nodekiln: see the wiki\n nodekiln: {indented}",
		  "nodekiln: see the wiki\n nodekiln: {indented}\n\n" LINE },
	};
	struct node_record m = worker();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *notes = NULL, *again = NULL;
		struct error err = { 0 };
		CHECK(node_record_notes(&m, cases[i].before, &notes, &err) == 0);
		CHECK_STR(notes, cases[i].after);
		CHECK(node_record_notes(&m, notes, &again, &err) == 0);
		CHECK_STR(again, notes);
	}
}

TEST(node_record_parse_ignores_invalid)
{
	static const char *const nonsense[] = {
		"nodekiln: {",
		"nodekiln: {\"endpoint\":\"10.0.0.1:6443 --token x\",\"ca\":[\"sha256:12\",7],\"node\":\"UP PER\"}",
		"nodekiln: {\"cluster\":\"../x\",\"role\":\"king\",\"state\":7,\"claim\":\"INIT\",\"mark\":\"\"}",
		"nodekiln: {\"since\":\"yesterday\",\"version\":\"v1.2\\n3\",\"error\":\"a\\u0007b\",\"vmid\":-1}",
		"nodekiln: {\"cluster\":\"lab\"} and more",
		"x nodekiln: {\"cluster\":\"lab\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		CLEANUP(node_record_done) struct node_record m = { 0 };
		const struct node_record nothing = { .role = -1 };
		node_record_parse("k8s.cluster.-;k8s.role.;k8s.state.", nonsense[i], &m);
		CHECK(node_record_same(&m, &nothing));
	}
}

TEST(node_record_parse_prefers_notes)
{
	CLEANUP(node_record_done) struct node_record m = { 0 }, tagged = { 0 };

	node_record_parse("a K8S.Cluster.Lab, k8s.role.worker;k8s.state.joining", NULL, &tagged);
	CHECK_STR(tagged.cluster, "lab");
	CHECK(tagged.role == NODE_WORKER && tagged.state == NODE_RECORD_JOINING);
	node_record_parse("k8s.cluster.lab;k8s.state.joining", "hello\n" LINE "\nbye", &m);
	CHECK(m.role == NODE_WORKER && m.state == NODE_RECORD_READY);
}

/* n times "é", which is one character and two bytes. */
static char *long_notes(size_t n)
{
	char *notes = xmalloc(2 * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(notes + 2 * i, "é", 2);
	notes[2 * n] = '\0';
	return notes;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

TEST(node_record_notes_cut_the_error)
{
	CLEANUP(free_p) char *error = xasprintf("%0*d", 3000, 7);
	struct node_record m = worker();
	struct error err = { 0 };

	m.error = error;
	for (size_t n = 5000; n < 5400; n++) {
		CLEANUP(free_p) char *before = long_notes(n), *after = NULL;
		CHECK(node_record_notes(&m, before, &after, &err) == 0);
		CHECK(!strncmp(after, before, strlen(before)));
		CHECK(characters(after) <= NODE_RECORD_NOTES_MAX);
		CHECK(n < 5200 || characters(after) >= NODE_RECORD_NOTES_MAX - 1);
		CHECK(n < 5200 || strstr(after, "...\"}"));
	}
	CLEANUP(free_p) char *full_notes = long_notes(NODE_RECORD_NOTES_MAX - strlen("\n\n" LINE));
	CLEANUP(free_p) char *after = NULL;
	CHECK(node_record_notes(&m, full_notes, &after, &err) == 0);
	CHECK(characters(after) == NODE_RECORD_NOTES_MAX && !strstr(after, "error"));
}

TEST(node_record_notes_too_long)
{
	CLEANUP(free_p) char *before = long_notes(NODE_RECORD_NOTES_MAX - 10), *after = NULL;
	struct node_record m = worker();
	struct error err = { 0 };

	CHECK(node_record_notes(&m, before, &after, &err) == -1);
	CHECK(!after && err.class == ERROR_SPACE && strstr(err.text, "8192"));
}

TEST(node_record_notes_error_is_ascii)
{
	CLEANUP(free_p) char *notes = NULL;
	CLEANUP(node_record_done) struct node_record back = { 0 };
	struct node_record m = worker();
	struct error err = { 0 };

	m.error = "first\nsecond\t\xe2\x80\x9cthird\xe2\x80\x9d \x01";
	CHECK(node_record_notes(&m, "", &notes, &err) == 0);
	node_record_parse(NULL, notes, &back);
	CHECK_STR(back.error, "first second ???third??? ?");
}
