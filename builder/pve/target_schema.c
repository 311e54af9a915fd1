/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/target_schema.h"

#include "builder/pve/target.h"

/* clang-format off */
static const struct schema_key keys[] = {
	{ "url", "https://HOST or https://HOST:PORT", SCHEMA_REQUIRED,
	  "The API of a node of the cluster; the port is 8006 when it is absent" },
	{ "token_id", "USER@REALM!NAME", SCHEMA_REQUIRED, "The API token, e.g. `nodekiln@pve!ci`" },
	{ "token_secret_file", "a file", NULL,
	  "A file with the token's secret (a UUID) on one line; either this key or `token_secret_env` is required" },
	{ "token_secret_env", "a variable's name", NULL,
	  "The environment variable that holds the token's secret; it is removed from the environment after reading" },
	{ "ca", "a PEM file", "the system's CAs",
	  "The certificate authority of the API's certificate, `/etc/pve/pve-root-ca.pem` on any node" },
	{ "fingerprints", "a list of SHA-256 fingerprints", "none",
	  "The certificates to accept, as `pvenode cert info` shows them; either one of them or `ca` suffices" },
	{ "nodes", "a list of 1 to 64 names or maps", SCHEMA_REQUIRED,
	  "The nodes that get a copy of the image; an item is a name, or a map with the keys below" },
	{ "nodes[].name", "a node of Proxmox VE", SCHEMA_REQUIRED, "The name of the node" },
	{ "nodes[].url", "https://HOST or https://HOST:PORT", "`url`",
	  "The node's own API: uploads go to it directly and not through another node" },
	{ "nodes[].storages", "a map as `storages`", "`storages`", "The storages of this node that have other names" },
	{ "nodes[].storages.import", "a storage", "`storages.import`", "As `storages.import`" },
	{ "nodes[].storages.vztmpl", "a storage", "`storages.vztmpl`", "As `storages.vztmpl`" },
	{ "nodes[].storages.disks", "a storage", "`storages.disks`", "As `storages.disks`" },
	{ "nodes[].storages.seeds", "a storage", "`storages.seeds`", "As `storages.seeds`" },
	{ "storages", "a map", SCHEMA_REQUIRED, "The storages to use" },
	{ "storages.import", "a storage", SCHEMA_REQUIRED,
	  "The storage for the uploaded qcow2; its content types must include `import`" },
	{ "storages.vztmpl", "a storage", SCHEMA_REQUIRED,
	  "The storage for LXC templates; its content types must include `vztmpl`" },
	{ "storages.disks", "a storage", SCHEMA_REQUIRED, "The storage for the disks of templates and guests" },
	{ "storages.seeds", "a storage", "`storages.vztmpl`",
	  "The storage for the seeds of deployed guests; its content types must include `iso`" },
	{ "pool", "a pool", "none",
	  "The pool of all templates and guests; without it the token needs its rights on `/vms`. `deploy` requires a pool" },
	{ "bridge", "a bridge or VNet", SCHEMA_REQUIRED, "The network of templates and guests, e.g. `vmbr0`" },
	{ "zone", "an SDN zone", "`localnetwork`", "The SDN zone of the bridge or VNet" },
	{ "vlan", "1 to 4094", "none", "The VLAN tag of the guests' network card" },
	{ "vmids", "a map with `from` and `to`", "as the datacenter says", "The range of VMIDs to take free ones from" },
	{ "vmids.from", "100 to 999999999", NULL, "The lowest VMID" },
	{ "vmids.to", "100 to 999999999", NULL, "The highest VMID" },
	{ "tags", "a list of tags", "none",
	  "More tags of the templates; `nodekiln` and `kiln.*` are set in any case and not allowed here" },
	{ "notes_key_file", "a file", "`nodekiln-notes.key`",
	  "The file with the key that signs the notes of templates: 64 hex digits, mode 0600; `publish` makes it, and all who "
	  "publish to the target or deploy from it need the same" },
	{ "notes_key_env", "a variable's name", NULL,
	  "The environment variable that holds this key, in place of a file; it is removed from the environment after reading" },
	{ "agent_user", "USER@REALM", "`" TARGET_AGENT_USER "`", "The user whose tokens deployed guests get" },
};
/* clang-format on */

static const char *const description[] = {
	"A target file describes the Proxmox VE cluster that nodekiln publish uploads to and nodekiln deploy makes "
	"guests in. It is a "
	"YAML map. File names in it are relative to the target file. Unknown keys and wrong values are errors with "
	"file, line and "
	"what is allowed.",
	"The token's secret is never in the file itself. TLS certificates are always verified.",
	NULL,
};

static const char example[] = "url: https://pve1.example:8006\n"
			      "token_id: nodekiln@pve!ci\n"
			      "token_secret_file: pve-token\n"
			      "ca: pve-root-ca.pem\n"
			      "nodes: [pve1, pve2]\n"
			      "storages: {import: local, vztmpl: local, disks: local-lvm}\n"
			      "pool: k8s\n"
			      "bridge: vmbr0\n";

const struct schema target_schema = {
	.name = "target",
	.file = "TARGET.yaml",
	.summary = "the Proxmox VE cluster that images are published to",
	.description = description,
	.example = example,
	.keys = keys,
	.n = ARRAY_SIZE(keys),
};
