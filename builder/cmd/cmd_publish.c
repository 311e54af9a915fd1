/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/cmd/command.h"
#include "builder/cmd/progress_options.h"
#include "builder/publish/publish.h"

#define RETAIN_MAX 1000

static struct publish_options publish;
static const char *firmware, *retain, *only;
static struct progress_options shown;

static const struct option_spec options[] = {
	{ "--target", OPTION_VALUE, &publish.target, "FILE", "the target: a YAML file, nodekiln-target(5) (required)" },
	{ "--firmware", OPTION_VALUE, &firmware, "bios|uefi", "firmware of the VM template (default: bios)" },
	{ "--only", OPTION_VALUE, &only, "vm|ct", "publish only the VM template or only the LXC template" },
	{ "--node", OPTION_LIST, &publish.nodes, "NAME", "only this node of the target (may be repeated)" },
	{ "--replace", OPTION_FLAG, &publish.replace, NULL, "replace a template that already exists" },
	{ "--retain", OPTION_VALUE, &retain, "N",
	  "keep N versions of the image, remove older ones that are not in use" },
	{ "--keyring", OPTION_VALUE, &publish.keyring, "FILE",
	  "refuse an image whose SHA256SUMS is not signed by a key of this keyring (binary, as for gpgv)" },
	{ "--dry-run", OPTION_FLAG, &publish.dry_run, NULL, "only print what would be done" },
	PROGRESS_OPTIONS(shown, "print each step, and the logs of tasks that fail"),
	{ 0 },
};

static int read_firmware(struct error *err)
{
	for (int i = 0; firmware && firmware_names[i]; i++)
		if (!strcmp(firmware, firmware_names[i])) {
			publish.firmware = (enum firmware)i;
			return 0;
		}
	return firmware ? error_set(err, ERROR_USAGE, "--firmware %s: it must be bios or uefi", firmware) : 0;
}

static int read_retain(struct error *err)
{
	char *end = NULL;

	if (!retain)
		return 0;
	publish.retain = strtol(retain, &end, 10);
	if (end == retain || *end || publish.retain < 1 || publish.retain > RETAIN_MAX)
		return error_set(err, ERROR_USAGE, "--retain %s: it must be a number from 1 to %d", retain, RETAIN_MAX);
	return 0;
}

static int read_options(struct error *err)
{
	if (!publish.target)
		return error_set(err, ERROR_USAGE, "--target is missing: the YAML file of the Proxmox VE cluster");
	if (only && strcmp(only, "vm") != 0 && strcmp(only, "ct") != 0)
		return error_set(err, ERROR_USAGE, "--only %s: it must be vm or ct", only);
	publish.parts = !only ? PUBLISH_VM | PUBLISH_CT : !strcmp(only, "vm") ? PUBLISH_VM : PUBLISH_CT;
	if (read_firmware(err) < 0)
		return -1;
	return read_retain(err);
}

static int act(struct text *output, struct error *err)
{
	return publish_run(&publish, output, err);
}

static int run(int argc UNUSED, char **argv, struct error *err)
{
	if (read_options(err) < 0)
		return -1;
	publish.image = argv[0];
	int rc = progress_options_run(
		&shown, "what was uploaded and made stays; run the same command again: it continues", act, err);
	strings_done(&publish.nodes);
	return rc;
}

static const char *const examples[] = { "nodekiln publish --target pve.yaml out/debian-13 --dry-run",
					"nodekiln publish --target pve.yaml out/debian-13 --retain 3", NULL };

const struct command command_publish = {
	.name = "publish",
	.arguments = "IMAGE",
	.summary =
		"upload an image (out/NAME) to Proxmox VE: a VM template and an LXC template on every node of a target",
	.description = "IMAGE is the path of an image's artifacts without their suffix, e.g. out/debian-13. The target "
		       "is a nodekiln-target(5) file. Before anything is uploaded, the version, the token's rights and "
		       "the storages are checked; everything that is missing is reported at once, each with the "
		       "command that fixes it.\n"
		       "The result is a VM template and an LXC template on every node of the target, named by image, "
		       "Kubernetes version and digest. Publishing the same image again does nothing. The notes of "
		       "templates are signed with a key next to the target's file; a template that is not does not "
		       "count. After a failure, run the same command again.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = 1,
	.secrets = true,
	.run = run,
};
