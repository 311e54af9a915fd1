/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pod_routes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cni_bridge.h"
#include "agent/private_log.h"
#include "agent/program.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/subnet.h"

#define FAULT_MAX (1 << 12)
#define WATCH_SECONDS 300 /* then everything is compared again, whether or not a Node has changed */
#define PAUSE_BETWEEN 0.5 /* seconds: a node that joins changes its Node several times */
#define PAUSE_FIRST 1     /* after a failure; it doubles up to PAUSE_MAX */
#define PAUSE_MAX 30

static bool is_v6(const char *cidr)
{
	return strchr(cidr, ':') != NULL;
}

/* {pod CIDR: address} of the peers that get a route. Of two peers with one CIDR the first counts. */
static struct json *wanted_routes(const struct kube_peers *peers, const char *own)
{
	struct json *ret = json_object();

	for (size_t i = 0; i < peers->n; i++) {
		const struct kube_peer *p = &peers->at[i];

		if (p->address && !text_same(p->pod_cidr, own) && is_v6(p->pod_cidr) == is_v6(own) &&
		    !json_get(ret, p->pod_cidr))
			json_put_string(ret, p->pod_cidr, p->address);
	}
	return ret;
}

/* A batch has a command on each line, so nothing else may get into it. */
static bool is_destination(const char *dst)
{
	struct subnet parsed;

	return dst && (!strcmp(dst, "default") || subnet_parse(dst, &parsed) || subnet_parse_address(dst, &parsed));
}

/* What no peer needs gets a command; the pod CIDRs of right routes become keys of *present. */
static void compare(const struct json *routes, const struct json *wanted, struct json *present, struct text *ret)
{
	for (size_t i = 0; i < json_count(routes); i++) {
		const char *dst = json_get_string(json_at(routes, i), "dst");
		const char *gateway = json_get_string(json_at(routes, i), "gateway");

		if (!is_destination(dst))
			continue;
		const char *address = json_get_string(wanted, dst);
		if (!address)
			text_addf(ret, "route del %s proto %d\n", dst, POD_ROUTES_PROTOCOL);
		else if (text_same(gateway, address))
			json_put_bool(present, dst, true);
	}
}

int pod_routes_batch(const struct kube_peers *peers, const char *own, const char *current, size_t len, struct text *ret,
		     struct error *err)
{
	CLEANUP(json_free_p) struct json *routes = NULL;
	CLEANUP(json_free_p) struct json *wanted = wanted_routes(peers, own), *present = json_object();

	/* With no route `ip -j` prints "[ ]", older versions print nothing. */
	if (len && json_parse("what ip says of the routes", current, len, &routes, err) < 0)
		return -1;
	compare(routes, wanted, present, ret);
	for (size_t i = 0; i < peers->n; i++) {
		const struct kube_peer *p = &peers->at[i];
		const char *address = json_get_string(wanted, p->pod_cidr);

		if (address && text_same(address, p->address) && !json_get(present, p->pod_cidr))
			text_addf(ret, "route replace %s via %s proto %d\n", p->pod_cidr, address, POD_ROUTES_PROTOCOL);
	}
	return 0;
}

/* Packets from our pods to any pod keep their source address; all others leave with the node's address. */
static void masquerade(const struct kube_peers *peers, const char *own, struct text *ret)
{
	text_add(ret, "*nat\n:" POD_ROUTES_CHAIN " - [0:0]\n");
	for (size_t i = 0; i < peers->n; i++)
		if (is_v6(peers->at[i].pod_cidr) == is_v6(own))
			text_addf(ret, "-A " POD_ROUTES_CHAIN " -s %s -d %s -j RETURN\n", own, peers->at[i].pod_cidr);
	text_addf(ret, "-A " POD_ROUTES_CHAIN " -s %s ! -d %s -j MASQUERADE\nCOMMIT\n", own,
		  is_v6(own) ? "ff00::/8" : "224.0.0.0/4");
}

/* Docker sets the policy of FORWARD to DROP. */
static void forward(const struct kube_peers *peers, const char *own, struct text *ret)
{
	text_add(ret, "*filter\n:" POD_ROUTES_CHAIN " - [0:0]\n");
	for (size_t i = 0; i < peers->n; i++)
		if (is_v6(peers->at[i].pod_cidr) == is_v6(own))
			text_addf(ret,
				  "-A " POD_ROUTES_CHAIN " -s %s -j ACCEPT\n-A " POD_ROUTES_CHAIN " -d %s -j ACCEPT\n",
				  peers->at[i].pod_cidr, peers->at[i].pod_cidr);
	text_add(ret, "COMMIT\n");
}

void pod_routes_rules(const struct kube_peers *peers, const char *own, struct text *ret)
{
	masquerade(peers, own, ret);
	forward(peers, own, ret);
}

static void ip_argv(struct strings *argv, const char *own)
{
	strings_add_all(argv, "ip", is_v6(own) ? "-6" : "-4", NULL);
}

static int sync_routes(const struct kube_peers *peers, const char *own, struct error *err)
{
	CLEANUP(strings_done) struct strings show = { 0 }, batch = { 0 };
	CLEANUP(text_done) struct text current = { 0 }, changes = { 0 };

	ip_argv(&show, own);
	strings_add_all(&show, "-j", "route", "show", "proto", NULL);
	strings_addf(&show, "%d", POD_ROUTES_PROTOCOL);
	if (program_talk(&show, NULL, &current, err) < 0 ||
	    pod_routes_batch(peers, own, current.data ? current.data : "", current.len, &changes, err) < 0)
		return -1;
	if (!changes.len)
		return 0;
	log_info("routes to pods: %zu nodes", peers->n);
	/* -force: a peer in another network does not prevent the routes to the other peers. */
	ip_argv(&batch, own);
	strings_add_all(&batch, "-force", "-batch", "-", NULL);
	return program_talk(&batch, &changes, NULL, err);
}

/* Adds the jump into our chain unless it exists. */
static int jump(const char *own, const char *table, const char *from, struct error *err)
{
	CLEANUP(strings_done) struct strings check = { 0 }, add = { 0 };
	const char *iptables = is_v6(own) ? "ip6tables" : "iptables";
	struct error absent = { 0 };

	strings_add_all(&check, iptables, "-w", "-t", table, "-C", from, "-j", POD_ROUTES_CHAIN, NULL);
	if (program_talk(&check, NULL, NULL, &absent) == 0)
		return 0;
	strings_add_all(&add, iptables, "-w", "-t", table, "-I", from, "-j", POD_ROUTES_CHAIN, NULL);
	return program_talk(&add, NULL, NULL, err);
}

static int sync_rules(const struct kube_peers *peers, const char *own, struct error *err)
{
	CLEANUP(strings_done) struct strings restore = { 0 };
	CLEANUP(text_done) struct text rules = { 0 };

	pod_routes_rules(peers, own, &rules);
	strings_add_all(&restore, is_v6(own) ? "ip6tables-restore" : "iptables-restore", "-w", "--noflush", NULL);
	if (program_talk(&restore, &rules, NULL, err) < 0 || jump(own, "nat", "POSTROUTING", err) < 0)
		return -1;
	return jump(own, "filter", "FORWARD", err);
}

static int sync_once(const char *root, const char *own, struct kube_peers *ret, struct error *err)
{
	if (kube_list_peers(root, KUBELET_CONF, ret, err) < 0 || sync_rules(ret, own, err) < 0 ||
	    sync_routes(ret, own, err) < 0) {
		error_wrap(err, "routes to the other nodes' pods");
		private_log(root, err);
		return -1;
	}
	return 0;
}

int pod_routes_sync(const char *root, struct error *err)
{
	CLEANUP(free_p) char *own = cni_bridge_pod_cidr(root);
	CLEANUP(kube_peers_done) struct kube_peers peers = { 0 };

	return own ? sync_once(root, own, &peers, err) : 0;
}

char *pod_routes_fault(const char *root)
{
	CLEANUP(free_p) char *file = xasprintf("%s" POD_ROUTES_FAULT_FILE, root);
	CLEANUP(text_done) struct text text = { 0 };
	struct error none = { 0 };

	return file_read(AT_FDCWD, file, FAULT_MAX, &text, &none) == 0 && text.len ? text_take(&text) : NULL;
}

/* Puts the fault where `status` finds it, and into the journal when it is another than before. NULL = there is none. */
static void report(const char *root, const char *fault)
{
	CLEANUP(free_p) char *file = xasprintf("%s" POD_ROUTES_FAULT_FILE, root);
	CLEANUP(free_p) char *directory = xasprintf("%s/run/nodekiln", root);
	CLEANUP(free_p) char *before = pod_routes_fault(root);
	struct error why = { 0 };

	if (text_same(before, fault))
		return;
	if (!fault) {
		log_info("routes to the other nodes' pods: right again");
		unlink(file);
		return;
	}
	log_warning("%s", fault);
	if (dir_make(AT_FDCWD, directory, 0755, &why) < 0 ||
	    file_write(AT_FDCWD, file, fault, strlen(fault), 0644, &why) < 0)
		log_warning("%s", why.text);
}

int pod_routes_follow(const char *root)
{
	double pause = PAUSE_FIRST;

	for (;;) {
		CLEANUP(free_p) char *own = cni_bridge_pod_cidr(root);
		CLEANUP(kube_peers_done) struct kube_peers peers = { 0 };
		struct error why = { 0 };

		if (!own)
			return 0;
		if (sync_once(root, own, &peers, &why) == 0) {
			report(root, NULL);
			if (kube_wait_for_change(root, KUBELET_CONF, NULL, peers.version, WATCH_SECONDS, &why) == 0) {
				pause = PAUSE_FIRST;
				clock_nap(PAUSE_BETWEEN);
				continue;
			}
		} else if (why.class != ERROR_NETWORK || pause >= PAUSE_MAX) {
			/* An API server that restarts is no fault yet. */
			report(root, why.text);
		}
		clock_nap(pause);
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
}
