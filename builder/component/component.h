/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A component: one piece of software of a node, such as Kubernetes, containerd or CoreDNS. recipes/components/NAME.yaml
 * describes it: where it comes from, its programs and where they go, the container images made of them, its licence, and
 * when each of its minor versions reaches its end of life. A recipe chooses components and versions:
 *
 *	components: {kubernetes: 1.37, containerd: {version: 2.3.7, source: go-modules}}
 *
 * Texts may contain placeholders, which component_expand() replaces: {version} 1.37.2, {minor} 1.37, {major-number} 1,
 * {minor-number} 37, {patch-number} 2, {date} the release's date (RFC 3339). component_schema.c explains each key.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/vec.h"
#include "lib/yaml.h"

/* Where a component's programs come from. The file may have several; the recipe chooses, else the file's first. */
enum component_source {
	COMPONENT_GO_MODULES,    /* compiled from Go modules */
	COMPONENT_PACKAGES,      /* packages of an apt repository */
	COMPONENT_BINARIES,      /* released files, by URL and SHA-256 */
	COMPONENT_DEBIAN_SOURCE, /* compiled from the distribution's source package */
	COMPONENT_C,             /* one C file of ours, e.g. pause */
	COMPONENT_SOURCES
};
extern const char *const component_source_names[COMPONENT_SOURCES + 1]; /* "go-modules" ...; ends with NULL */

/* A program that is compiled, and what becomes of it. */
struct component_program {
	char *name;    /* file name: "kubelet" */
	char *package; /* go-modules: import path of its main package; c: the file, relative to the component's file */
	char *path;    /* in the guest, absolute; NULL: not in the guest (only in an image) */
	struct strings tags;  /* go-modules: build tags in addition to those of the component */
	struct strings check; /* arguments; run after compiling, it must exit with 0 ... */
	char *output;         /* ... and print this text (expanded); NULL: any */
};

/* A container image of one program, which is preloaded. */
struct component_image {
	char *name;              /* as in `kubeadm config images list`: "coredns"; or "ghcr.io/kube-vip/kube-vip" */
	char *program;           /* name of a program of this component */
	char *path;              /* of the program in the image: that which static pods and add-ons run */
	bool entrypoint;         /* false: the image has only a path, and its user names the command */
	struct strings packages; /* Debian packages of the layer below it; empty: the image has only the program */
};

/* source go-modules. The build makes a main module that requires these modules (facts: the go.mod reference, "replace"
 * directives of a dependency are ignored). */
struct component_go {
	char *module;        /* its path: "k8s.io/kubernetes" */
	char *tag;           /* version of the module (expanded); default "v{version}" */
	char *released_with; /* version (expanded) of the modules that its go.mod replaces by local folders; NULL: none */
	struct strings modules;   /* more modules of the same version, e.g. "go.etcd.io/etcd/etcdctl/v3" */
	struct strings tags;      /* build tags */
	struct strings variables; /* PACKAGE.NAME=VALUE (expanded), for the linker's -X */
	struct strings flags;     /* more flags of the linker, e.g. "-linkmode external" */
	bool cgo;
	struct strings packages; /* Debian packages that the toolchain needs in addition, e.g. libseccomp-dev */
	char *main; /* directory with a main package of ours, relative to the component's file, whose import path is
		     * "nodekiln/NAME" in the main module; NULL: none */
};

/* source binaries: one released file of one version. */
struct component_binary {
	char *version, *url, *sha256, *member, *path; /* as struct binary (binary.h), for this version */
	bool archive;
};

/* source packages */
struct component_packages {
	/* Of the repository (url and key_url are expanded); url NULL: the distribution's own. */
	char *url, *suite, *key_url, *key_fingerprint;
	struct strings components; /* of the repository; none when suite ends in a slash */
	struct strings names;      /* packages of any version */
	struct strings versioned;  /* packages that are pinned to the component's version */
};

/* source debian-source: the distribution's source package of the component's name. */
struct component_debian {
	char *version;           /* of the source package; NULL: the newest, which must have the component's version */
	struct strings packages; /* Debian packages that the toolchain needs in addition, e.g. golang-go */
};

struct component_minor {
	char *minor;         /* "1.37" */
	int64_t end_of_life; /* seconds since 1970; 0 = not known */
};

/* The version that goes with a minor of another component. A recipe chooses it with the version `auto`. */
struct component_fit {
	char *component, *minor; /* "kubernetes", "1.35" */
	char *version;           /* of this component: "3.6" */
};

struct component {
	char *name, *file;           /* file: path of NAME.yaml */
	char *description, *license; /* SPDX expression */
	char *version;               /* as the recipe requests it: "1.37" or "1.37.2" */
	enum component_source source;
	bool has[COMPONENT_SOURCES]; /* the file has a section for this source */
	struct component_go go;
	struct component_packages packages;
	struct component_debian debian;
	VEC(struct component_binary) binaries;
	VEC(struct component_program) programs;
	VEC(struct component_image) images;
	VEC(struct component_minor) minors; /* empty: the project has no calendar */
	VEC(struct component_fit) fits;
};

#define COMPONENT_AUTO "auto"             /* a version: see component_fit */
#define COMPONENT_KUBERNETES "kubernetes" /* the name of that component */

/* Reads NAME.yaml of the directory. wanted: the recipe's value, "1.37" or a map {version, source}; its file and line are used
 * in errors about them. *ret_parts (owned by the caller): a list of the parts of a recipe (packages, overlays, units, ...)
 * that the recipe's own keys are merged over, first to last: the file's `recipe`, then that of the chosen source. */
int component_load(const char *directory, const char *name, struct yaml *wanted, struct component *ret,
		   struct yaml **ret_parts, struct error *err) MUST_CHECK;
void component_done(struct component *c);
/* Replaces the version `auto` by the one that fits this minor ("1.35") of the other component; false when the file names none
 * or the version is not `auto`. */
bool component_fit(struct component *c, const char *other, const char *minor);
/* True when the programs of its source are compiled, and not downloaded. */
bool component_is_compiled(const struct component *c);
/* Every key that has an effect on what is compiled or installed, in a fixed order: for cache keys and the recipe's digest. */
struct json *component_json(const struct component *c) MUST_CHECK;
/* Replaces the placeholders; version: all of it, "1.37.2", or a minor when the text has only {minor}, {major-number} and
 * {minor-number}; date: seconds since 1970. Owned by the caller. */
char *component_expand(const char *text, const char *version, int64_t date) MUST_CHECK;
/* "1.37" of "1.37.2"; owned by the caller. */
char *component_minor(const char *version) MUST_CHECK;
/* The last day of support of a version's minor, as its first second; 0 when the file has none. */
int64_t component_end_of_life(const struct component *c, const char *version);
/* A sentence when the version is past its end of life at `now`, or when the file has a calendar without this minor; NULL
 * otherwise. Owned by the caller. */
char *component_life_warning(const struct component *c, const char *version, int64_t now) MUST_CHECK;
/* True for the URL of a tar archive, which is unpacked as a whole unless the file gives member or archive. */
bool component_url_is_archive(const char *url);
