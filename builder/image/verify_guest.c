/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the guest's content: units that start, programs that exist, a single pause image. */
#include <string.h>

#include "builder/image/verify.h"
#include "lib/alloc.h"
#include "lib/text.h"

#define UNIT_MAX (1 << 20)
#define CONFIG_MAX (1 << 20)
#define CONTAINERD_CONFIG "/etc/containerd/config.toml"
#define CRI_DOCKERD_UNIT "/etc/systemd/system/cri-docker.service"

/* In systemd's order of precedence. */
static const char *const unit_directories[] = { "/etc/systemd/system", "/usr/lib/systemd/system" };

/* A directory whose links make units start with another one. */
static bool is_wants_link(const char *path, const char **ret_unit)
{
	static const char *const kinds[] = { ".wants/", ".requires/", ".upholds/" };

	for (size_t d = 0; d < ARRAY_SIZE(unit_directories); d++) {
		if (!text_starts(path, unit_directories[d]))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			const char *kind = strstr(path, kinds[i]);
			if (kind) {
				*ret_unit = kind + strlen(kinds[i]);
				return true;
			}
		}
	}
	return false;
}

static int collect_wanted(void *wanted, const struct image_entry *e, struct error *err UNUSED)
{
	const char *unit;

	if (is_wants_link(e->path, &unit))
		strings_add(wanted, unit);
	return 0;
}

bool verify_unit_needs_enabling(const char *unit)
{
	static const char *const keys[] = { "WantedBy=", "RequiredBy=", "UpheldBy=" };
	bool install = false;

	for (const char *line = unit; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (*line == '[')
			install = text_starts(line, "[Install]");
		for (size_t i = 0; install && i < ARRAY_SIZE(keys); i++)
			if (text_starts(line, keys[i]))
				return true;
	}
	return false;
}

/* As in systemctl: a name without a suffix is a service. */
static char *unit_full_name(const char *name)
{
	static const char *const suffixes[] = {
		".service", ".socket", ".timer", ".target", ".mount", ".path", ".slice"
	};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (text_ends(name, suffixes[i]))
			return xstrdup(name);
	return xasprintf("%s.service", name);
}

/* "getty@tty1.service" is an instance of the file "getty@.service". */
static char *unit_file_name(const char *unit)
{
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

	if (!at || !dot || dot < at)
		return xstrdup(unit);
	return xasprintf("%.*s%s", (int)(at + 1 - unit), unit, dot);
}

static int check_unit_file(struct verify *v, const char *unit, const struct image_entry *e,
			   const struct strings *wanted, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (e->link && !strcmp(e->link, "/dev/null")) {
		faults_add(&v->faults, FAULT_UNIT, e->path, "unit %s is masked (%s)", unit, e->path);
		return 0;
	}
	if (image_read(v->image, e->path, UNIT_MAX, &text, err) < 0)
		return -1;
	if (verify_unit_needs_enabling(text.len ? text.data : "") && !strings_has(wanted, unit))
		faults_add(&v->faults, FAULT_UNIT, e->path, "unit %s is not enabled", unit);
	return 0;
}

static int check_unit(struct verify *v, const char *given, const struct strings *wanted, struct error *err)
{
	CLEANUP(free_p) char *unit = unit_full_name(given);
	CLEANUP(free_p) char *name = unit_file_name(unit);
	const struct image_entry *e;

	for (size_t i = 0; i < ARRAY_SIZE(unit_directories); i++) {
		CLEANUP(free_p) char *path = xasprintf("%s/%s", unit_directories[i], name);
		int found = image_stat(v->image, path, &e, err);
		if (found < 0)
			return -1;
		if (found)
			return check_unit_file(v, unit, e, wanted, err);
	}
	faults_add(&v->faults, FAULT_UNIT, NULL, "unit %s is not in the image; its package is missing", unit);
	return 0;
}

int verify_units(struct verify *v, struct error *err)
{
	CLEANUP(strings_done) struct strings wanted = { 0 };
	const struct json *units = json_get(v->about, "units");

	if (image_walk(v->image, collect_wanted, &wanted, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(units); i++)
		if (check_unit(v, json_as_string(json_at(units, i)), &wanted, err) < 0)
			return -1;
	return 0;
}

char *verify_toml_string(const char *toml, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = toml; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *at = line + strspn(line, " \t");
		if (strncmp(at, key, n) != 0)
			continue;
		at += n + strspn(at + n, " \t");
		if (*at++ != '=')
			continue;
		at += strspn(at, " \t");
		const char *end = *at == '"' || *at == '\'' ? strchr(at + 1, *at) : NULL;
		if (end)
			return xstrndup(at + 1, (size_t)(end - at - 1));
	}
	return NULL;
}

/* containerd must use kubeadm's pause image: otherwise every node pulls a second one, and kubelet's garbage
 * collection removes the first. */
static int check_pause_image(struct verify *v, struct error *err)
{
	CLEANUP(text_done) struct text config = { 0 };
	const char *want = json_get_string(v->about, "pause_image");
	const struct image_entry *e;
	int found = image_stat(v->image, CONTAINERD_CONFIG, &e, err);

	if (found < 0)
		return -1;
	if (!found) {
		faults_add(&v->faults, FAULT_PROGRAM, CONTAINERD_CONFIG, "%s is missing", CONTAINERD_CONFIG);
		return 0;
	}
	if (image_read(v->image, CONTAINERD_CONFIG, CONFIG_MAX, &config, err) < 0)
		return -1;
	CLEANUP(free_p) char *is = verify_toml_string(config.len ? config.data : "", "sandbox_image");
	if (!is)
		is = verify_toml_string(config.len ? config.data : "", "sandbox"); /* version 3 */
	if (!text_same(is, want))
		faults_add(&v->faults, FAULT_PROGRAM, CONTAINERD_CONFIG,
			   "containerd's sandbox image is %s, kubeadm's pause image is %s", is ? is : "not set",
			   want ? want : "not known");
	return 0;
}

/* The same for cri-dockerd; up to Kubernetes 1.23 kubeadm configures kubelet itself. */
static int check_cri_dockerd(struct verify *v, struct error *err)
{
	CLEANUP(text_done) struct text unit = { 0 };
	const char *want = json_get_string(v->about, "pause_image");
	CLEANUP(free_p) char *option = xasprintf("--pod-infra-container-image=%s\n", want ? want : "");
	const struct image_entry *e;
	int found = image_stat(v->image, CRI_DOCKERD_UNIT, &e, err);

	if (found <= 0)
		return found;
	if (image_read(v->image, CRI_DOCKERD_UNIT, UNIT_MAX, &unit, err) < 0)
		return -1;
	if (!unit.len || !strstr(unit.data, option))
		faults_add(&v->faults, FAULT_PROGRAM, CRI_DOCKERD_UNIT,
			   "%s does not give cri-dockerd kubeadm's pause image, %s", CRI_DOCKERD_UNIT,
			   want ? want : "which is not known");
	return 0;
}

static int check_program(struct verify *v, const char *path, struct error *err)
{
	const struct image_entry *e;
	int found = image_stat(v->image, path, &e, err);

	if (found == 0)
		faults_add(&v->faults, FAULT_PROGRAM, path, "%s is missing", path);
	else if (found > 0 && !e->link && !(e->mode & 0111))
		faults_add(&v->faults, FAULT_PROGRAM, path, "%s is not executable", path);
	if (found < 0)
		return -1;
	return 0;
}

/* Those of compiled components. */
static int check_programs(struct verify *v, struct error *err)
{
	const struct json *programs = json_get(v->about, "programs");

	for (size_t i = 0; i < json_count(programs); i++) {
		const char *path = json_as_string(json_at(programs, i));
		if (path && check_program(v, path, err) < 0)
			return -1;
	}
	return 0;
}

int verify_kubernetes(struct verify *v, struct error *err)
{
	static const char *const programs[] = { "/usr/bin/kubelet", "/usr/bin/kubeadm", "/usr/bin/kubectl" };
	const char *source = json_get_string(json_get(v->about, "kubernetes"), "source");

	if (check_programs(v, err) < 0)
		return -1;
	if (!source || !strcmp(source, "none"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (check_program(v, programs[i], err) < 0)
			return -1;
	const char *runtime = json_get_string(v->about, "runtime");
	if (text_same(runtime, "containerd"))
		return check_pause_image(v, err);
	return text_same(runtime, "docker") ? check_cri_dockerd(v, err) : 0;
}
