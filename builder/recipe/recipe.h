/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A recipe: the description of one image. Read from YAML (recipes/NAME.yaml), with includes merged, and checked as a whole.
 * The keys are the names of the fields below, except disk.firmware: [bios, uefi] and outputs.qcow2|tarball: {enabled,
 * compression, level}; recipes/README.md explains each. Nothing in this folder depends on how an image is made.
 *
 * Every part of an image is in one of three sets: `base` in both artifacts, `vm` only in the qcow2, `lxc` only in the tarball.
 */
#include <stdbool.h>

#include "builder/archive/codec.h"
#include "builder/component/component.h"
#include "builder/recipe/binary.h"
#include "builder/recipe/repository.h"
#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

#define RECIPE_DEFAULT "debian-13" /* of the commands that take a recipe's name */

enum set { SET_BASE, SET_VM, SET_LXC, SETS };
extern const char *const set_names[SETS + 1]; /* "base", "vm", "lxc", NULL */

/* Of recipes that do not choose the component kubernetes, which has more sources. */
enum kubernetes_source { KUBERNETES_NONE, KUBERNETES_PACKAGES, KUBERNETES_BINARIES };
/* The kernel of the VM template: the distribution's own package of that kind. NONE: packages.vm has one, or the image has none. */
enum kernel { KERNEL_NONE, KERNEL_CLOUD, KERNEL_GENERIC };
enum runtime { RUNTIME_NONE, RUNTIME_CONTAINERD, RUNTIME_DOCKER };
/* agent_libcurl.h gives the reasons. AUTO: resolve() chooses, the lock records the choice. */
enum agent_libcurl { AGENT_LIBCURL_AUTO, AGENT_LIBCURL_COMPILED, AGENT_LIBCURL_PACKAGED };
/* The values as written in recipes; each list ends with NULL. */
/* Calls of qemu-guest-agent that a host may make only when guest_agent.allow names their kind; ends with NULL. */
extern const char *const guest_agent_names[];
extern const char *const kubernetes_source_names[],
	*const kernel_names[], *const runtime_names[], *const agent_libcurl_names[], *const compression_names[];

struct recipe {
	char *name, *description; /* of the artifacts: NAME.qcow2, NAME.tar.zst */
	char *file, *warning;     /* file: the YAML file; warning: shown prominently, e.g. end of life, or NULL */
	struct {
		char *id, *suite;               /* "debian", "bookworm" */
		char *mirror, *security_mirror; /* NULL: those of the host's own apt sources */
		struct strings components;
		bool updates, security;  /* also SUITE-updates, SUITE-security */
		bool expired;            /* indices past their Valid-Until are accepted; the key is check_valid_until */
		char *keyring, *variant; /* path; packages always installed: "essential", "apt" (default), "required" */
	} distribution;
	char *architecture;               /* Debian's name: amd64 */
	VEC(struct component) components; /* sorted by name */
	VEC(struct repository) repositories;
	struct {
		enum kubernetes_source source;
		char *version;           /* "1.20.2"; packages: "1.34.1" or a minor "1.34" */
		struct strings packages; /* packages: additions to kubelet kubeadm kubectl, e.g. cri-tools */
		VEC(struct binary) binaries;
	} kubernetes;
	enum kernel kernel;
	enum runtime runtime;
	struct {
		enum agent_libcurl libcurl;
	} agent;
	struct {
		struct strings allow; /* of guest_agent_names */
	} guest_agent;
	struct strings packages[SETS], extra_packages; /* packages.extra: on top of each artifact's other packages */
	/* Names below rootfs-overlays/; with a '/' paths, in YAML relative to the file. */
	struct strings overlays[SETS];
	struct strings units[SETS]; /* systemd units that must be enabled; `verify` checks them */
	struct {
		bool control_plane;      /* with debian-source: pack what was compiled, etcd and pause as images */
		struct strings archives; /* docker or OCI archives (files) */
	} images;                        /* preloaded */
	struct {
		unsigned long long size; /* bytes, virtual size of the qcow2 */
		char *filesystem;        /* "ext4" */
		bool bios, uefi;         /* the disk boots with BIOS, with UEFI */
	} disk;
	struct {
		bool qcow2, tarball;
		enum compression qcow2_compression, tarball_compression; /* qcow2: zstd zlib; tarball: zstd none */
		int qcow2_level, tarball_level;
	} outputs;
};

/* name: "debian-12" is recipes/debian-12.yaml of data_directory(); with a '/' or ending in .yaml it is a path.
 * set (may be NULL): `KEY.KEY=VALUE` as in --set disk.size=20G; applied before the checks. */
int recipe_load(const char *name, struct recipe *ret, struct error *err) MUST_CHECK;
int recipe_load_with(const char *name, const struct strings *set, struct recipe *ret, struct error *err) MUST_CHECK;
void recipe_done(struct recipe *recipe);
/* NULL when the recipe has no component of that name. */
const struct component *recipe_component(const struct recipe *recipe, const char *name);
/* True when a component comes from this source. */
bool recipe_has_source(const struct recipe *recipe, enum component_source source);
/* Sentences about components that are past their end of life at `now` (seconds since 1970), or whose is not known; in
 * addition to `warning`. */
void recipe_life_warnings(const struct recipe *recipe, int64_t now, struct strings *ret);
/* Every key in a fixed order, independent of where the recipe's directory is: for the manifest and for cache keys. */
struct json *recipe_json(const struct recipe *recipe) MUST_CHECK;
/* The directory of recipes, rootfs-overlays and agent sources: $NODEKILN_DATA, else the checkout that contains the program,
 * else PREFIX/share/nodekiln. Static storage. */
const char *data_directory(void);
/* Adds the names of the recipes there, sorted. */
void recipe_names(struct strings *ret);
/* The directory of an overlay; ERROR_INPUT when it does not exist. *ret is owned by the caller. */
int recipe_overlay_path(const struct recipe *recipe, const char *overlay, char **ret, struct error *err) MUST_CHECK;
