/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that Go linked, and whether a package has them: what is compiled from modules is in no dpkg database. */
#include <stdlib.h>
#include <string.h>

#include "builder/image/inspect.h"
#include "lib/alloc.h"
#include "lib/text.h"

#define DPKG_INFO "/var/lib/dpkg/info/"
#define DPKG_LIST ".list"
#define DPKG_LIST_MAX (64u << 20) /* bytes; that of a package with many files has 1 MiB */
#define DEVEL "(devel)"

/* Programs whose main package is not in the module of that name. */
static const struct {
	const char *program, *module;
} programs_of[] = {
	{ "containerd", "github.com/containerd/containerd/v2" },
	{ "containerd-shim-runc-v2", "github.com/containerd/containerd/v2" },
	{ "coredns", "github.com/coredns/coredns" },
	{ "cri-dockerd", "github.com/Mirantis/cri-dockerd" },
	{ "crictl", "sigs.k8s.io/cri-tools" },
	{ "ctr", "github.com/containerd/containerd/v2" },
	{ "etcd", "go.etcd.io/etcd/server/v3" },
	{ "etcdctl", "go.etcd.io/etcd/etcdctl/v3" },
	{ "kube-apiserver", "k8s.io/kubernetes" },
	{ "kube-controller-manager", "k8s.io/kubernetes" },
	{ "kube-proxy", "k8s.io/kubernetes" },
	{ "kube-scheduler", "k8s.io/kubernetes" },
	{ "kubeadm", "k8s.io/kubernetes" },
	{ "kubectl", "k8s.io/kubernetes" },
	{ "kubelet", "k8s.io/kubernetes" },
	{ "runc", "github.com/opencontainers/runc" },
};

/* The ends of the variables that hold a version, with the linker's `-X PACKAGE.NAME=VALUE`. */
static const char *const stamps[] = { ".gitVersion=", ".Version=", ".version=" };

struct reading {
	struct image *image;
	const struct image_entry *file;
	bool failed; /* the image could not be read, whatever the file is */
};

static int read_part(void *context, uint64_t from, size_t len, struct text *ret, struct error *err)
{
	struct reading *r = context;
	int rc = image_read_part(r->image, r->file, from, len, ret, err);

	r->failed = rc < 0;
	return rc;
}

static int read_program(void *context, const struct image_entry *e, struct error *err)
{
	struct inspection *i = context;
	struct reading reading = { i->image, e, false };
	struct inspect_program p = { .file = e };
	struct error fault = { 0 };
	int rc;

	if (!S_ISREG(e->mode) || !(e->mode & 0111))
		return 0;
	rc = go_buildinfo_read(&(struct go_file){ read_part, &reading }, &p.info, &fault);
	if (reading.failed) {
		*err = fault;
		return error_wrap(err, "%s", e->path);
	}
	if (rc < 0)
		p.fault = xstrdup(fault.text);
	if (rc)
		vec_push(&i->programs, p);
	return 0;
}

/* True when one of the text's lines is the path. */
static bool has_line(const struct text *text, const char *path)
{
	size_t len = strlen(path);

	for (const char *at = text->data; at && (at = strstr(at, path)); at += len) {
		if ((at == text->data || at[-1] == '\n') && (at[len] == '\n' || !at[len]))
			return true;
	}
	return false;
}

/* A package may have /usr/bin/x as /bin/x. */
static bool has_file(const struct text *list, const char *path)
{
	static const char usr[] = "/usr";

	return has_line(list, path) || (text_starts(path, usr) && has_line(list, path + strlen(usr)));
}

/* A package's list of files: NAME.list or NAME:ARCHITECTURE.list. */
static int read_list(void *context, const struct image_entry *e, struct error *err)
{
	struct inspection *i = context;
	CLEANUP(text_done) struct text text = { 0 };
	const char *name = e->path + strlen(DPKG_INFO);

	if (!text_starts(e->path, DPKG_INFO) || !text_ends(e->path, DPKG_LIST) || !S_ISREG(e->mode))
		return 0;
	if (image_read(i->image, e->path, DPKG_LIST_MAX, &text, err) < 0)
		return -1;
	for (size_t k = 0; k < i->programs.n; k++) {
		struct inspect_program *p = &i->programs.at[k];

		if (!p->package && has_file(&text, p->file->path))
			p->package = xstrndup(name, strlen(name) - strlen(DPKG_LIST) < strcspn(name, ":")
							    ? strlen(name) - strlen(DPKG_LIST)
							    : strcspn(name, ":"));
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct inspect_program *p = a, *q = b;
	int c = strcmp(inspect_program_name(p), inspect_program_name(q));

	return c ? c : strcmp(p->file->path, q->file->path);
}

int inspect_programs(struct inspection *i, struct error *err)
{
	if (image_walk(i->image, read_program, i, err) < 0)
		return -1;
	if (!i->programs.n)
		return 0;
	qsort(i->programs.at, i->programs.n, sizeof *i->programs.at, by_name);
	return image_walk(i->image, read_list, i, err);
}

const char *inspect_program_name(const struct inspect_program *p)
{
	return strrchr(p->file->path, '/') + 1;
}

static bool is_version(const char *version)
{
	return version && *version && !text_same(version, DEVEL);
}

static const char *version_of_module(const struct inspect_program *p)
{
	const char *name = inspect_program_name(p);

	for (size_t k = 0; k < ARRAY_SIZE(programs_of); k++) {
		if (text_same(name, programs_of[k].program))
			return go_buildinfo_version(&p->info, programs_of[k].module);
	}
	return NULL;
}

/* From "-ldflags=... -X k8s.io/component-base/version.gitVersion=v1.20.2 ..."; NULL when there is none. */
static char *version_of_stamp(const struct go_buildinfo *info)
{
	for (size_t k = 0; k < info->settings.n; k++) {
		const char *flags = info->settings.at[k];

		for (size_t s = 0; s < ARRAY_SIZE(stamps) && text_starts(flags, "-ldflags="); s++) {
			const char *at = strstr(flags, stamps[s]);

			if (at && strcspn(at + strlen(stamps[s]), " '\"") > 0)
				return xstrndup(at + strlen(stamps[s]), strcspn(at + strlen(stamps[s]), " '\""));
		}
	}
	return NULL;
}

char *inspect_program_version(const struct inspect_program *p)
{
	const char *version =
		p->info.main.module.path ? go_buildinfo_version(&p->info, p->info.main.module.path) : NULL;
	char *stamp;

	if (!is_version(version))
		version = version_of_module(p);
	if (is_version(version))
		return xstrdup(version);
	stamp = version_of_stamp(&p->info);
	return stamp ? stamp : xstrdup(DEVEL);
}

static struct json *module_json(const struct go_module *m)
{
	struct json *object = json_object();

	json_put_string(object, "path", m->path);
	json_put_string(object, "version", m->version);
	json_put_string(object, "sum", m->sum);
	return object;
}

static struct json *linked_json(const struct go_linked *l)
{
	struct json *object = module_json(&l->module);

	if (l->replaced_by.path)
		json_put(object, "replaced_by", module_json(&l->replaced_by));
	return object;
}

static struct json *program_json(const struct inspect_program *p)
{
	struct json *object = json_object(), *modules = json_array();
	CLEANUP(free_p) char *version = inspect_program_version(p);

	json_put_string(object, "path", p->file->path);
	json_put_string(object, "package", p->package);
	json_put_string(object, "fault", p->fault);
	json_put_string(object, "version", version);
	json_put_string(object, "go", p->info.go);
	json_put_string(object, "main_package", p->info.package);
	if (p->info.main.module.path)
		json_put(object, "main_module", linked_json(&p->info.main));
	for (size_t k = 0; k < p->info.linked.n; k++)
		json_push(modules, linked_json(&p->info.linked.at[k]));
	json_put(object, "modules", modules);
	json_put_strings(object, "settings", &p->info.settings);
	return object;
}

struct json *inspect_programs_json(const struct inspection *i)
{
	struct json *list = json_array();

	for (size_t k = 0; k < i->programs.n; k++)
		json_push(list, program_json(&i->programs.at[k]));
	return list;
}
