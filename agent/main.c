/* SPDX-License-Identifier: Apache-2.0 */
/* nodekiln-agent: the one small program in every guest. */
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/card_match.h"
#include "agent/containerd_config.h"
#include "agent/hardware.h"
#include "agent/pod_routes.h"
#include "agent/status.h"
#include "lib/core_dump.h"
#include "lib/log.h"

static const char usage[] =
	"usage: nodekiln-agent run [--dry-run] [--root DIR]\n"
	"       nodekiln-agent routes [--follow] [--root DIR]\n"
	"       nodekiln-agent status [--json] [--root DIR]\n"
	"       nodekiln-agent adapt [--root DIR]\n"
	"       nodekiln-agent cards [--root DIR]\n"
	"       nodekiln-agent hardware [--root DIR]\n"
	"       nodekiln-agent --version\n"
	"\n"
	"run: makes this guest a node, as " NODE_CONFIG_FILE
	" and cloud-init's meta-data say (the service does this at boot);\n"
	"     --dry-run prints what it would do and kubeadm's configuration, secrets hidden\n"
	"routes: with networking.pod_network: bridge, routes to the other nodes' pods; --follow: again with each "
	"change of "
	"the\n"
	"     nodes (nodekiln-routes.service does this)\n"
	"status: what phase this node is in, since when, and what it waits for (from " STATE_FILE ")\n"
	"adapt: in a container, sets the runtime up for what its root's file system can do (nodekiln-adapt.service "
	"does "
	"this)\n"
	"cards: names to networkd the card that cloud-init's configuration means, where a name alone is not enough "
	"(nodekiln-cards.service\n"
	"     does this)\n"
	"hardware: says on the console what this machine lacks: a network card with a driver, a seed "
	"(nodekiln-hardware.service does\n"
	"     this)\n"
	"--root: use another directory as /, for tests\n";

static int read_arguments(int argc, char **argv, const char *flag, bool *set, const char **root, struct error *err)
{
	*root = "";
	for (int i = 2; i < argc; i++) {
		if (flag && !strcmp(argv[i], flag))
			*set = true;
		else if (!strcmp(argv[i], "--root") && i + 1 < argc)
			*root = argv[++i];
		else
			return error_set(err, ERROR_USAGE, "%s: unknown argument '%s'; see `nodekiln-agent --help`",
					 argv[1], argv[i]);
	}
	return 0;
}

static int status(int argc, char **argv, struct error *err)
{
	const char *root;
	bool as_json = false;

	if (read_arguments(argc, argv, "--json", &as_json, &root, err) < 0)
		return -1;
	CLEANUP(text_done) struct text text = { 0 };
	if (status_print(root, as_json, &text, err) < 0)
		return -1;
	fputs(text.data, stdout);
	return fflush(stdout) == 0 ? 0 : error_set(err, ERROR_FAILED, "cannot write to the standard output");
}

static int run(int argc, char **argv, struct error *err)
{
	const char *root;
	bool dry = false;

	if (read_arguments(argc, argv, "--dry-run", &dry, &root, err) < 0)
		return -1;
	core_dump_disable();
	return dry ? agent_dry_run(root, err) : agent_run(root, err);
}

static int routes(int argc, char **argv, struct error *err)
{
	const char *root;
	bool follow = false;

	if (read_arguments(argc, argv, "--follow", &follow, &root, err) < 0)
		return -1;
	core_dump_disable(); /* kubelet's key */
	return follow ? pod_routes_follow(root) : pod_routes_sync(root, err);
}

static int adapt(int argc, char **argv, struct error *err)
{
	CLEANUP(facts_done) struct facts machine = { 0 };
	const char *root;

	if (read_arguments(argc, argv, NULL, NULL, &root, err) < 0 || facts_read(root, &machine, err) < 0)
		return -1;
	return containerd_config_adapt(root, &machine, err);
}

static int cards(int argc, char **argv, struct error *err)
{
	const char *root;

	return read_arguments(argc, argv, NULL, NULL, &root, err) < 0 ? -1 : card_match(root, err);
}

static int hardware(int argc, char **argv, struct error *err)
{
	const char *root;

	return read_arguments(argc, argv, NULL, NULL, &root, err) < 0 ? -1 : hardware_report(root, err);
}

static int dispatch(int argc, char **argv, struct error *err)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv, struct error *err);
	} commands[] = { { "run", run },     { "routes", routes }, { "status", status },
			 { "adapt", adapt }, { "cards", cards },   { "hardware", hardware } };
	const char *command = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(command, commands[i].name))
			return commands[i].run(argc, argv, err);
	if (!strcmp(command, "--version")) {
		puts("nodekiln-agent " NODEKILN_VERSION);
		return 0;
	}
	if (!strcmp(command, "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	return error_set(err, ERROR_USAGE, "%s; see `nodekiln-agent --help`",
			 *command ? "unknown command" : "no command given");
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (dispatch(argc, argv, &err) == 0)
		return 0;
	log_error("%s", err.text);
	return err.class ? (int)err.class : ERROR_FAILED;
}
