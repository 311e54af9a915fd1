/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cni_bridge.h"
#include "agent/pod_routes.h"
#include "tests/unit/fake_guest.h"

#define NODE(name, cidr, addresses)                                                                                    \
	"{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"podCIDR\":\"" cidr                                          \
	"\"},\"status\":{\"addresses\":[" addresses "]}}"
#define IP(address) "{\"type\":\"InternalIP\",\"address\":\"" address "\"}"

static const char three[] = "{\"items\":[" NODE("a", "10.244.0.0/24", IP("fd00::1") "," IP("10.0.0.1")) "," NODE(
	"b", "10.244.1.0/24", IP("10.0.0.2")) "," NODE("c", "10.244.2.0/24",
						       "{\"type\":\"Hostname\",\"address\":\"c\"}") "]}";

static int parse(const char *text, struct kube_peers *peers, char **next)
{
	struct error err = { 0 };

	return kube_peers_parse(text, strlen(text), peers, next, &err);
}

static char *batch_of(const char *list, const char *own, const char *current)
{
	CLEANUP(kube_peers_done) struct kube_peers peers = { 0 };
	struct text batch = { 0 };
	struct error err = { 0 };
	char *next;

	if (parse(list, &peers, &next) < 0 || pod_routes_batch(&peers, own, current, strlen(current), &batch, &err) < 0)
		return xstrdup("failed");
	return text_take(&batch);
}

TEST(pod_routes_to_every_other_node_with_an_address)
{
	CLEANUP(free_p) char *batch = batch_of(three, "10.244.0.0/24", "");
	CHECK_STR(batch, "route replace 10.244.1.0/24 via 10.0.0.2 proto 110\n");
}

TEST(pod_routes_unchanged_are_no_batch)
{
	CLEANUP(free_p)
	char *batch = batch_of(three, "10.244.0.0/24",
			       "[{\"dst\":\"10.244.1.0/24\",\"gateway\":\"10.0.0.2\",\"dev\":\"eth0\"}]");
	CHECK_STR(batch, "");
}

TEST(pod_routes_follow_moved_and_removed_nodes)
{
	CLEANUP(free_p)
	char *batch = batch_of(three, "10.244.0.0/24",
			       "[{\"dst\":\"10.244.1.0/24\",\"gateway\":\"10.0.0.9\"},"
			       "{\"dst\":\"10.244.7.0/24\",\"gateway\":\"10.0.0.8\"}]");
	CHECK_STR(batch, "route del 10.244.7.0/24 proto 110\nroute replace 10.244.1.0/24 via 10.0.0.2 proto 110\n");
}

TEST(pod_routes_keep_our_own_range)
{
	CLEANUP(free_p)
	char *batch = batch_of(three, "10.244.1.0/24", "[{\"dst\":\"10.244.1.0/24\",\"gateway\":\"10.0.0.2\"}]");
	CHECK_STR(batch, "route del 10.244.1.0/24 proto 110\nroute replace 10.244.0.0/24 via 10.0.0.1 proto 110\n");
}

/* Two Nodes say that they have one range: the routes are the same after each comparison. */
TEST(pod_routes_of_two_peers_with_one_range)
{
	static const char twice[] = "{\"items\":[" NODE("a", "10.244.0.0/24", IP("10.0.0.1")) "," NODE(
		"b", "10.244.1.0/24", IP("10.0.0.2")) "," NODE("c", "10.244.1.0/24", IP("10.0.0.3")) "]}";
	CLEANUP(free_p) char *first = batch_of(twice, "10.244.0.0/24", "");
	CLEANUP(free_p)
	char *then = batch_of(twice, "10.244.0.0/24", "[{\"dst\":\"10.244.1.0/24\",\"gateway\":\"10.0.0.2\"}]");

	CHECK_STR(first, "route replace 10.244.1.0/24 via 10.0.0.2 proto 110\n");
	CHECK_STR(then, "");
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What a comparison takes in a cluster of n nodes whose routes are right: of some attempts the shortest. -1 = it failed. */
static double seconds_with(unsigned n)
{
	CLEANUP(kube_peers_done) struct kube_peers peers = { 0 };
	CLEANUP(text_done) struct text current = { 0 }, batch = { 0 };
	struct error err = { 0 };
	double shortest = 1e9;

	for (unsigned i = 0; i < n; i++) {
		vec_push(&peers, (struct kube_peer){ .name = xasprintf("n%u", i),
						     .address = xasprintf("10.0.%u.%u", i / 250, i % 250 + 1),
						     .pod_cidr = xasprintf("10.%u.%u.0/24", 10 + i / 256, i % 256) });
		text_addf(&current, "%c{\"dst\":\"%s\",\"gateway\":\"%s\"}", i ? ',' : '[', peers.at[i].pod_cidr,
			  peers.at[i].address);
	}
	text_add(&current, "]");
	for (int attempt = 0; attempt < 3; attempt++) {
		double begun = cpu_seconds();
		if (pod_routes_batch(&peers, "10.9.0.0/24", current.data, current.len, &batch, &err) < 0 || batch.len)
			return -1;
		double took = cpu_seconds() - begun;
		shortest = took < shortest ? took : shortest;
	}
	return shortest;
}

/* Each change of any Node has it done on every node: four times the nodes take four times as long, not sixteen. */
TEST(pod_routes_take_time_in_proportion_to_nodes)
{
	double few = seconds_with(1000), many = seconds_with(4000);

	CHECK(few > 0 && many > 0 && many < 8 * few);
}

TEST(pod_routes_of_the_pod_networks_family)
{
	static const char six[] = "{\"items\":[" NODE("a", "fd01::/64", IP("10.0.0.1") "," IP("fd00::1")) "," NODE(
		"b", "fd01:1::/64", IP("fd00::2")) "]}";
	CLEANUP(free_p) char *batch = batch_of(six, "fd01::/64", "[]");
	CHECK_STR(batch, "route replace fd01:1::/64 via fd00::2 proto 110\n");
}

/* A Node's author may write anything into it, and our lines go to `ip` and `iptables-restore` as root. */
TEST(pod_routes_leave_out_bad_addresses)
{
	static const char *const bad[] = {
		NODE("x", "10.244.1.0/24\\n-A INPUT -j DROP", IP("10.0.0.2")),
		NODE("x", "10.244.1.0/99", IP("10.0.0.2")),
		NODE("x", "10.244.1.0", IP("10.0.0.2")),
		NODE("x", "10.244.1.0/24", IP("10.0.0.2 dev lo")),
		NODE("x", "/24", IP("10.0.0.2")),
		"7",
		"null",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(free_p) char *list = xasprintf("{\"items\":[%s]}", bad[i]);
		CLEANUP(free_p) char *batch = batch_of(list, "10.244.0.0/24", "");
		CHECK_STR(batch, "");
	}
}

TEST(pod_routes_of_several_pages)
{
	CLEANUP(kube_peers_done) struct kube_peers peers = { 0 };
	CLEANUP(free_p) char *next = NULL;
	CLEANUP(free_p) char *evil = NULL;

	CHECK(parse("{\"metadata\":{\"continue\":\"eyJ2-_9\"},\"items\":[]}", &peers, &next) == 0);
	CHECK_STR(next, "eyJ2-_9");
	CHECK(parse("{\"metadata\":{\"continue\":\"a&limit=0\"},\"items\":[]}", &peers, &evil) == 0);
	CHECK(!evil);
	CHECK(parse("{\"kind\":\"Status\"}", &peers, &evil) < 0);
}

TEST(pod_routes_make_rules)
{
	CLEANUP(kube_peers_done) struct kube_peers peers = { 0 };
	CLEANUP(text_done) struct text rules = { 0 };
	char *next;

	CHECK(parse("{\"items\":[" NODE("a", "10.244.0.0/24", IP("10.0.0.1")) "," NODE("b", "10.244.1.0/24",
										       IP("10.0.0.2")) "]}",
		    &peers, &next) == 0);
	pod_routes_rules(&peers, "10.244.0.0/24", &rules);
	CHECK_STR(rules.data,
		  "*nat\n:NODEKILN-PODS - [0:0]\n"
		  "-A NODEKILN-PODS -s 10.244.0.0/24 -d 10.244.0.0/24 -j RETURN\n"
		  "-A NODEKILN-PODS -s 10.244.0.0/24 -d 10.244.1.0/24 -j RETURN\n"
		  "-A NODEKILN-PODS -s 10.244.0.0/24 ! -d 224.0.0.0/4 -j MASQUERADE\nCOMMIT\n"
		  "*filter\n:NODEKILN-PODS - [0:0]\n"
		  "-A NODEKILN-PODS -s 10.244.0.0/24 -j ACCEPT\n-A NODEKILN-PODS -d 10.244.0.0/24 -j ACCEPT\n"
		  "-A NODEKILN-PODS -s 10.244.1.0/24 -j ACCEPT\n-A NODEKILN-PODS -d 10.244.1.0/24 -j ACCEPT\nCOMMIT\n");
}

/* Programs of the guest record what they are given. */
TEST(pod_routes_sync_routes_and_rules)
{
	FAKE_ROOT();
	fake_api_reset();
	fake_guest_make(path, NULL);
	CHECK(pod_routes_sync(path, &err) == 0 && !fake_api.requests);
	CHECK(cni_bridge_write(path, "10.244.0.0/24", &err) == 0);
	fake_guest_join(path);
	fake_api.node = three;
	fake_program(path, "ip", FAKE_CALL "[ \"$2\" = -j ] && { echo '[ ]'; exit 0; }; cat >$root/batch");
	fake_program(path, "iptables", FAKE_CALL "[ \"$4\" = -C ] && exit 1; exit 0");
	fake_program(path, "iptables-restore", FAKE_CALL "cat >$root/rules");
	CHECK(pod_routes_sync(path, &err) == 0);
	CLEANUP(free_p) char *batch = fake_get(path, "/batch"), *rules = fake_get(path, "/rules");
	CHECK_STR(batch, "route replace 10.244.1.0/24 via 10.0.0.2 proto 110\n");
	CHECK(strstr(rules, "MASQUERADE"));
	CHECK(fake_calls(path, "iptables -w -t nat -I POSTROUTING") == 1);
	CHECK(fake_calls(path, "iptables -w -t filter -I FORWARD") == 1);
	/* The jumps exist: they are not added again. */
	fake_program(path, "iptables", FAKE_CALL "exit 0");
	CHECK(pod_routes_sync(path, &err) == 0 && fake_calls(path, "iptables -w -t nat -I") == 1);
	fake_program(path, "iptables-restore", "exit 1");
	CHECK(pod_routes_sync(path, &err) < 0 && text_starts(err.text, "routes to the other nodes' pods: "));
	fake_api_done();
	FAKE_ROOT_END();
}

/* The loop runs until a nap takes the bridge away; each nap is noted, with the fault that `status` has then. */
#define NAPS_MAX 16
static struct loop {
	const char *root;
	unsigned end;      /* the nap that ends the loop */
	unsigned moves_at; /* the nap after which node b has another address; 0 = never */
	double at[NAPS_MAX + 1];
	char *faults[NAPS_MAX]; /* owned */
} loop;

#define LIST(b) "{\"metadata\":{\"resourceVersion\":\"42\"},\"items\":[" NODE("b", "10.244.1.0/24", IP(b)) "]}"

static void note_nap(unsigned naps)
{
	struct error err = { 0 };

	if (naps > NAPS_MAX || (naps == loop.end && cni_bridge_remove(loop.root, &err) < 0))
		exit(1);
	loop.at[naps] = fake_api.now;
	loop.faults[naps - 1] = pod_routes_fault(loop.root);
	if (naps == loop.moves_at)
		fake_api.node = LIST("10.0.0.9");
}

static double nap(unsigned n)
{
	return loop.at[n] - loop.at[n - 1];
}

static void loop_done(void)
{
	for (size_t i = 0; i < NAPS_MAX; i++)
		free(loop.faults[i]);
	loop = (struct loop){ 0 };
	fake_api_done();
}

/* A guest with the bridge, in a cluster with node b, whose API server fails `faults` times at a request with fault_at. */
static int follow(const char *root, unsigned end, const char *fault_at, unsigned faults, long fault_status)
{
	struct error err = { 0 };

	fake_api_reset();
	fake_guest_make(root, NULL);
	fake_guest_join(root);
	if (cni_bridge_write(root, "10.244.0.0/24", &err) < 0)
		return -1;
	fake_program(root, "ip", "[ \"$2\" = -j ] && { echo '[ ]'; exit 0; }; cat >>$root/batch");
	fake_program(root, "iptables", "exit 0");
	fake_program(root, "iptables-restore", "cat >/dev/null");
	fake_api.node = LIST("10.0.0.2");
	fake_api.fault_at = fault_at;
	fake_api.faults = faults;
	fake_api.fault_status = fault_status;
	fake_api.fault_reason = "";
	fake_api.on_nap = note_nap;
	loop.root = root;
	loop.end = end;
	loop.at[0] = fake_api.now;
	return pod_routes_follow(root);
}

TEST(pod_routes_follow_each_change)
{
	FAKE_ROOT();
	loop.moves_at = 1;
	/* The second watch is of a version that the API server has forgotten: the list is asked for again, at once. */
	CHECK(follow(path, 3, "/api/v1/nodes?watch=1&timeoutSeconds=300&resourceVersion=42", 2, 410) == 0);
	CHECK(fake_api.faults == 0 && fake_api.requests == 6);
	CLEANUP(free_p) char *batch = fake_get(path, "/batch");
	CHECK_STR(batch, "route replace 10.244.1.0/24 via 10.0.0.2 proto 110\n"
			 "route replace 10.244.1.0/24 via 10.0.0.9 proto 110\n"
			 "route replace 10.244.1.0/24 via 10.0.0.9 proto 110\n");
	for (unsigned i = 1; i <= 3; i++)
		CHECK(nap(i) == 0.5 && !loop.faults[i - 1]);
	loop_done();
	FAKE_ROOT_END();
}

/* An API server that restarts is no fault; one that is away for half a minute is. */
TEST(pod_routes_follow_reports_an_outage_after_a_while)
{
	static const double want[] = { 1, 2, 4, 8, 16, 30, 30, 0.5 };
	FAKE_ROOT();
	CHECK(follow(path, ARRAY_SIZE(want), "/api/v1/nodes?", 7, 0) == 0);
	for (unsigned i = 1; i <= ARRAY_SIZE(want); i++) {
		bool reported = i == 6 || i == 7;
		CHECK(nap(i) == want[i - 1] && !loop.faults[i - 1] == !reported);
		CHECK(!reported || (text_starts(loop.faults[i - 1], "routes to the other nodes' pods: ") &&
				    text_ends(loop.faults[i - 1], "no answer")));
	}
	CHECK(!fake_has(path, POD_ROUTES_FAULT_FILE));
	loop_done();
	FAKE_ROOT_END();
}

TEST(pod_routes_follow_reports_a_refusal_at_once)
{
	FAKE_ROOT();
	CHECK(follow(path, 3, "/api/v1/nodes?", 2, 403) == 0);
	CHECK(loop.faults[0] && strstr(loop.faults[0], "kubectl create clusterrolebinding") &&
	      text_same(loop.faults[0], loop.faults[1]));
	CHECK(nap(1) == 1 && nap(2) == 2 && nap(3) == 0.5 && !loop.faults[2]);
	loop_done();
	FAKE_ROOT_END();
}

/* Routes are right without a watch, only later: the nodes are listed again, ever more rarely. */
TEST(pod_routes_follow_without_a_watch)
{
	static const double want[] = { 1, 2, 4, 8, 16, 30, 30, 0.5 };
	FAKE_ROOT();
	CHECK(follow(path, ARRAY_SIZE(want), "watch=1", 7, 403) == 0);
	for (unsigned i = 1; i <= ARRAY_SIZE(want); i++)
		CHECK(nap(i) == want[i - 1] && !loop.faults[i - 1]);
	loop_done();
	FAKE_ROOT_END();
}

TEST(pod_routes_fault_is_kept_for_status)
{
	FAKE_ROOT();
	CHECK(!pod_routes_fault(path));
	fake_put(path, POD_ROUTES_FAULT_FILE, "the API server refuses");
	CLEANUP(free_p) char *fault = pod_routes_fault(path);
	CHECK_STR(fault, "the API server refuses");
	CHECK(pod_routes_follow(path) == 0); /* without the bridge there is nothing to follow */
	FAKE_ROOT_END();
}
