/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/recipe_schema.h"

#include "lib/macro.h"

/* clang-format off */
static const struct schema_key keys[] = {
	{ "name", "up to 63 of a-z, 0-9, dots and hyphens", "the file's name", "The name of the artifacts; a DNS name, as Proxmox VE requires" },
	{ "description", "one line", "none", "What the image is, for the manifest" },
	{ "warning", "one line", "none",
	  "A warning for the build's output, the manifest and the image's login banner, e.g. that software is end of life" },
	{ "include", "a list of recipes", "none",
	  "Recipes that this one extends: names as `debian-13`, or paths relative to this file" },
	{ "override", "a list of keys", "none", "Keys whose included value is replaced and not merged, e.g. `packages.vm`" },
	{ "architecture", "amd64", "`amd64`", "The architecture of the image" },
	{ "distribution", "a map", SCHEMA_REQUIRED, "The distribution and its archives" },
	{ "distribution.id", "debian", "`debian`", "The distribution" },
	{ "distribution.suite", "a suite", SCHEMA_REQUIRED, "The release, e.g. `bookworm`" },
	{ "distribution.mirror", "a URL", "that of the host's apt sources", "The mirror of the packages" },
	{ "distribution.security_mirror", "a URL", "that of the host's apt sources", "The mirror of the security updates" },
	{ "distribution.components", "a list", "`[main]`", "The archive's components" },
	{ "distribution.updates", "true, false", "`true`", "Whether SUITE-updates is used" },
	{ "distribution.security", "true, false", "`true`", "Whether SUITE-security is used" },
	{ "distribution.check_valid_until", "true, false", "`true`",
	  "false accepts indices that are past their date: of a mirror that is a snapshot of an earlier day, and of one that holds "
	  "security updates back" },
	{ "distribution.keyring", "a file", "`/usr/share/keyrings/debian-archive-keyring.gpg`",
	  "The keys that the distribution's indices must be signed with" },
	{ "distribution.variant", "essential, apt, required", "`apt`", "The packages that every image has" },
	{ "components", "a map", "none", "Software that is compiled or installed: nodekiln-component(5)" },
	{ "components.NAME", "a version, or a map", "none",
	  "A component and its version; null leaves out one that an included recipe chose" },
	{ "components.NAME.version", "MAJOR.MINOR[.PATCH], auto", SCHEMA_REQUIRED,
	  "The version; a minor version means its newest patch release, `auto` what fits the version of Kubernetes" },
	{ "components.NAME.source", "go-modules, packages, binaries, c", "the first of the component's file",
	  "Where the component comes from" },
	{ "repositories", "a list of maps", "none", "More apt repositories" },
	{ "repositories[].url", "a URL", SCHEMA_REQUIRED,
	  "The repository; `{minor}` is replaced by the minor version of `kubernetes.version`" },
	{ "repositories[].suite", "a suite", SCHEMA_REQUIRED, "The suite; a flat repository ends in `/`" },
	{ "repositories[].components", "a list", "none", "The components; none for a flat repository" },
	{ "repositories[].key_url", "a URL", NULL, "Where the repository's key is; either this key or `keyring` is required" },
	{ "repositories[].key_fingerprint", "40 hex digits", NULL, "The fingerprint of that key; required with `key_url`" },
	{ "repositories[].keyring", "a file", NULL, "A file with the repository's key" },
	{ "repositories[].check_valid_until", "true, false", "`true`", "As `distribution.check_valid_until`" },
	{ "kubernetes", "a map", "none", "Where Kubernetes comes from" },
	{ "kubernetes.source", "none, packages, binaries", "`none`",
	  "Without the component kubernetes: the community's apt packages, or release binaries" },
	{ "kubernetes.version", "MAJOR.MINOR[.PATCH]", NULL,
	  "The version; with `packages`, a minor version means its newest patch release" },
	{ "kubernetes.packages", "a list of packages", "none", "Packages in addition to kubelet, kubeadm and kubectl" },
	{ "kubernetes.binaries", "a list of maps", "none", "Files to download: kubelet, kubeadm, kubectl and others" },
	{ "kubernetes.binaries[].url", "a URL", SCHEMA_REQUIRED, "The file; `{version}` is replaced by `kubernetes.version`" },
	{ "kubernetes.binaries[].sha256", "64 hex digits", SCHEMA_REQUIRED, "The file's digest" },
	{ "kubernetes.binaries[].path", "an absolute path", SCHEMA_REQUIRED, "Where the file is installed" },
	{ "kubernetes.binaries[].member", "a path in the archive", "none", "Install only this file of an archive" },
	{ "kubernetes.binaries[].archive", "true, false", "by the URL's suffix", "Whether the file is unpacked at `path`" },
	{ "kernel", "none, cloud, generic", "`none`",
	  "The kernel of the qcow2: generic drives the disk controllers and network cards that Proxmox VE offers, cloud is smaller and "
	  "lacks most that are not virtio. none: `packages.vm` names a kernel, or none boots" },
	{ "runtime", "none, containerd, docker", "`none`", "The container runtime" },
	{ "agent", "a map", "none", "nodekiln-agent" },
	{ "agent.libcurl", "auto, compiled, packaged", "`auto`",
	  "The agent's libcurl: compiled from the distribution's source package, or the distribution's package, which needs more "
	  "memory. auto: compiled when the mirror serves the source, decided when the recipe is resolved" },
	{ "guest_agent", "a map", "none", "qemu-guest-agent, which lets the host of a VM call into it" },
	{ "guest_agent.allow", "a list of exec, file, password", "`[]`",
	  "Kinds of calls that are blocked otherwise: exec runs programs as root, file reads and writes files, password sets passwords "
	  "and ssh keys" },
	{ "packages", "a map", "none", "Packages to install, without recommended ones" },
	{ "packages.extra", "a list", "none",
	  "Packages of both artifacts that are installed after all others: a change of this list rebuilds nothing else" },
	{ "packages.base", "a list", "none", "Packages of both artifacts" },
	{ "packages.vm", "a list", "none", "Packages of the qcow2 only" },
	{ "packages.lxc", "a list", "none", "Packages of the tarball only" },
	{ "overlays", "a map", "none", "Trees that are copied over the image's: names in rootfs-overlays/, or paths with a `/`" },
	{ "overlays.base", "a list", "none", "Overlays of both artifacts" },
	{ "overlays.vm", "a list", "none", "Overlays of the qcow2 only" },
	{ "overlays.lxc", "a list", "none", "Overlays of the tarball only" },
	{ "units", "a map", "none", "systemd units that `nodekiln verify` requires to be enabled; `x` means `x.service`" },
	{ "units.base", "a list", "none", "Units of both artifacts" },
	{ "units.vm", "a list", "none", "Units of the qcow2 only" },
	{ "units.lxc", "a list", "none", "Units of the tarball only" },
	{ "images", "a map", "none", "Container images that are preloaded into the runtime's store" },
	{ "images.control_plane", "true, false", "`false`", "With the component kubernetes: the images of its control plane; its source `debian-source` has etcd and pause, too" },
	{ "images.archives", "a list of files", "none", "Docker or OCI archives; for Docker only its own format" },
	{ "disk", "a map", "none", "The disk of the qcow2" },
	{ "disk.size", "2G to 16T", "`4G`", "Its size; the guest grows the root file system into a larger disk at first boot" },
	{ "disk.filesystem", "ext4", "`ext4`", "The root file system" },
	{ "disk.firmware", "a list of bios, uefi", "`[bios, uefi]`", "What the disk boots under" },
	{ "outputs", "a map", "none", "The artifacts" },
	{ "outputs.qcow2", "a map", "none", "The VM template" },
	{ "outputs.qcow2.enabled", "true, false", "`true`", "Whether it is made" },
	{ "outputs.qcow2.compression", "zstd, zlib, none", "`zstd`", "How its clusters are compressed" },
	{ "outputs.qcow2.level", "0 to 22; zlib: 0 to 9", "`0`", "The compression level; 0 is the library's default" },
	{ "outputs.tarball", "a map", "none", "The LXC template" },
	{ "outputs.tarball.enabled", "true, false", "`true`", "Whether it is made" },
	{ "outputs.tarball.compression", "zstd, none", "`zstd`", "How it is compressed" },
	{ "outputs.tarball.level", "0 to 22", "`0`", "The compression level; 0 is the library's default" },
};
/* clang-format on */

static const char *const description[] = {
	"A recipe describes one image: a VM template and an LXC template of the same node. It is a YAML map. `nodekiln "
	"build NAME` reads "
	"the recipe NAME that nodekiln is installed with; an argument with a `/` or ending in .yaml is a file. Unknown "
	"keys, wrong values "
	"and contradictions are errors with file, line and what is allowed. YAML anchors, aliases and tags are "
	"refused.",
	"Included recipes come first, in their order; this recipe is merged over them. Maps merge key by key, single "
	"values replace. "
	"Lists of things that go into the image (`packages`, `overlays`, `units`, `repositories`, "
	"`kubernetes.packages`, "
	"`kubernetes.binaries`, `images.archives`) add up; lists of choices (`components`, `firmware`) replace. "
	"`override` names "
	"lists and maps to replace.",
	NULL,
};

static const char example[] = "include: [debian-13]\n"
			      "name: rack7\n"
			      "packages:\n"
			      "  extra: [nfs-common]\n"
			      "overlays:\n"
			      "  base: [./files]\n"
			      "disk:\n"
			      "  size: 16G\n";

const struct schema recipe_schema = {
	.name = "recipe",
	.file = "RECIPE.yaml",
	.summary = "what one node image is made of",
	.description = description,
	.example = example,
	.keys = keys,
	.n = ARRAY_SIZE(keys),
};
