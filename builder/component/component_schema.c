/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/component/component_schema.h"

#include "lib/macro.h"

/* clang-format off */
static const struct schema_key keys[] = {
	{ "description", "one line", SCHEMA_REQUIRED, "What the component is" },
	{ "license", "an SPDX expression", SCHEMA_REQUIRED, "Its licence, for the SBOM" },
	{ "go-modules", "a map", NULL, "Source: compiled from Go modules; the first source of the file is the default" },
	{ "go-modules.module", "a module's path", SCHEMA_REQUIRED, "The module that has the version" },
	{ "go-modules.tag", "a version", "`v{version}`", "The module's version" },
	{ "go-modules.released_with", "a version", "none", "The version of the modules that its go.mod replaces by local folders" },
	{ "go-modules.modules", "a list of paths", "none", "More modules of the same version" },
	{ "go-modules.tags", "a list", "none", "Build tags" },
	{ "go-modules.variables", "a list of PACKAGE.NAME=VALUE", "none", "What the linker stamps into the programs" },
	{ "go-modules.flags", "a list", "none", "More flags of the linker" },
	{ "go-modules.cgo", "true, false", "`false`", "Whether a C compiler is used" },
	{ "go-modules.packages", "a list of packages", "none", "Debian packages that compiling needs" },
	{ "go-modules.main", "a directory", "none", "A main package of ours, relative to this file: `nodekiln/NAME`" },
	{ "go-modules.recipe", "a map", "none", "As `recipe`, with this source only" },
	{ "packages", "a map", NULL, "Source: packages of an apt repository" },
	{ "packages.url", "a URL", "the distribution's archive", "The repository" },
	{ "packages.suite", "a suite", NULL, "Its suite; a flat repository ends in `/`" },
	{ "packages.components", "a list", "none", "Its components; none for a flat repository" },
	{ "packages.key_url", "a URL", NULL, "Where the repository's key is; required with `url`" },
	{ "packages.key_fingerprint", "40 hex digits", NULL, "The key's fingerprint; required with `url`" },
	{ "packages.names", "a list", "none", "Packages of any version" },
	{ "packages.versioned", "a list", "none", "Packages that are pinned to the component's version" },
	{ "packages.recipe", "a map", "none", "As `recipe`, with this source only" },
	{ "binaries", "a map", NULL, "Source: released files" },
	{ "binaries.files", "a list of maps", SCHEMA_REQUIRED, "The files of each version" },
	{ "binaries.files[].version", "MAJOR.MINOR.PATCH", SCHEMA_REQUIRED, "The version that the file belongs to" },
	{ "binaries.files[].url", "a URL", SCHEMA_REQUIRED, "The file" },
	{ "binaries.files[].sha256", "64 hex digits", SCHEMA_REQUIRED, "Its digest" },
	{ "binaries.files[].path", "an absolute path", SCHEMA_REQUIRED, "Where it is installed" },
	{ "binaries.files[].member", "a path in the archive", "none", "Install only this file of an archive" },
	{ "binaries.files[].archive", "true, false", "by the URL's suffix", "Whether the file is unpacked at `path`" },
	{ "binaries.recipe", "a map", "none", "As `recipe`, with this source only" },
	{ "debian-source", "a map", NULL, "Source: compiled from the distribution's source package; `kubernetes` only" },
	{ "debian-source.version", "a version", "the newest", "The version of the source package" },
	{ "debian-source.packages", "a list of packages", "none", "Debian packages that compiling needs" },
	{ "debian-source.recipe", "a map", "none", "As `recipe`, with this source only" },
	{ "c", "a map", NULL, "Source: C files of ours" },
	{ "c.recipe", "a map", "none", "As `recipe`, with this source only" },
	{ "programs", "a list of maps", "none", "What is compiled, and where it goes" },
	{ "programs[].name", "a file name", SCHEMA_REQUIRED, "The program" },
	{ "programs[].package", "an import path, or a file", NULL, "Its main package in Go, or its C file relative to this file" },
	{ "programs[].path", "an absolute path", "only in images", "Where it is installed in the node" },
	{ "programs[].tags", "a list", "none", "Build tags of this program" },
	{ "programs[].check", "a list of arguments", "none", "The compiled program is run with these and must succeed" },
	{ "programs[].output", "a text", "any", "What that run must print" },
	{ "images", "a list of maps", "none", "Container images of the programs, which are preloaded" },
	{ "images[].name", "a name", SCHEMA_REQUIRED, "The name in `kubeadm config images list`" },
	{ "images[].program", "a program's name", SCHEMA_REQUIRED, "The program in it" },
	{ "images[].path", "an absolute path", SCHEMA_REQUIRED, "Where the program is in the image" },
	{ "images[].entrypoint", "true, false", "`false`", "Whether the image runs it by itself" },
	{ "images[].packages", "a list of packages", "none", "The Debian layer below the program" },
	{ "minors", "a map of minors to dates", "none", "The last day of support, as 2027-02-28, or `unknown`" },
	{ "fits", "a map", "none", "COMPONENT: {MINOR: VERSION}: what the version `auto` means with that other component" },
	{ "recipe", "a map", "none", "Keys of nodekiln-recipe(5) that the recipe's own are merged over: packages, overlays, units, "
	  "repositories, runtime, images" },
};
/* clang-format on */

static const char *const description[] = {
	"A component is one piece of software of a node. NAME.yaml says where it comes from, what its programs are and "
	"where "
	"they go. A recipe chooses it with `components: {NAME: VERSION}`. A file in components/ of the recipe's "
	"directory comes "
	"before an installed one of the same name.",
	"Versions, URLs, variables and outputs may contain `{version}`, `{minor}`, `{major-number}`, `{minor-number}`, "
	"`{patch-number}` and `{date}`, the date of the release.",
	NULL,
};

static const char example[] = "description: metrics of the node for Prometheus\n"
			      "license: Apache-2.0\n"
			      "go-modules:\n"
			      "  module: github.com/prometheus/node_exporter\n"
			      "programs:\n"
			      "- name: node_exporter\n"
			      "  package: github.com/prometheus/node_exporter\n"
			      "  path: /usr/bin/node_exporter\n";

const struct schema component_schema = {
	.name = "component",
	.file = "components/NAME.yaml",
	.summary = "where one piece of a node's software comes from",
	.description = description,
	.example = example,
	.keys = keys,
	.n = ARRAY_SIZE(keys),
};
