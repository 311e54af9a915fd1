/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "agent/facts_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define FACTS_ENVIRON_MAX (1 << 20)

static bool is_one(int rootfd, const char *path)
{
	CLEANUP(free_p) char *word = guest_word(rootfd, path);

	return word && !strcmp(word, "1");
}

/* Counts the lines that start with prefix. */
static unsigned count_lines(const char *text, const char *prefix)
{
	unsigned n = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		n += text_starts(line, prefix);
	}
	return n;
}

/* Entries are separated by NUL, as in /proc/PID/environ: "container=lxc". */
static char *read_container(int rootfd)
{
	static const char key[] = "container=";
	CLEANUP(text_done) struct text text = { 0 };
	struct error ignored = { 0 };

	if (file_read_in(rootfd, "proc/1/environ", FACTS_ENVIRON_MAX, &text, &ignored) < 0 || !text.data)
		return NULL;
	for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1)
		if (text_starts(text.data + at, key))
			return xstrdup(text.data + at + strlen(key));
	return NULL;
}

/* The initial user namespace maps all ids to themselves, in one line. */
static bool in_user_namespace(int rootfd)
{
	CLEANUP(free_p) char *map = guest_text(rootfd, "proc/self/uid_map");
	unsigned long inside, outside, count;

	return map && sscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 &&
	       !(inside == 0 && outside == 0 && count == 4294967295ul);
}

static uint64_t read_memory(int rootfd)
{
	CLEANUP(free_p) char *text = guest_text(rootfd, "proc/meminfo");
	const char *line = text ? strstr(text, "MemTotal:") : NULL;

	return line ? strtoull(line + strlen("MemTotal:"), NULL, 10) * 1024 : 0;
}

/* /proc/swaps has a heading, followed by a line for each swap area. */
static bool has_swap(int rootfd)
{
	CLEANUP(free_p) char *text = guest_text(rootfd, "proc/swaps");
	const char *rest = text ? strchr(text, '\n') : NULL;

	return rest && rest[1];
}

static bool has_overlay(int rootfd)
{
	CLEANUP(free_p) char *text = guest_text(rootfd, "proc/filesystems");

	return text && strstr(text, "\toverlay\n");
}

static void read_kernel(int rootfd, struct facts *m)
{
	CLEANUP(free_p) char *cpus = guest_text(rootfd, "proc/cpuinfo");
	CLEANUP(close_p) int kmsg = file_open_in(rootfd, "dev/kmsg", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	CLEANUP(close_p) int resolv_conf = file_open_in(rootfd, "etc/resolv.conf", O_RDONLY, 0);

	m->kmsg = kmsg >= 0;
	m->resolv_conf = resolv_conf >= 0;
	m->cpus = cpus ? count_lines(cpus, "processor") : 0;
	m->memory = read_memory(rootfd);
	m->swap = has_swap(rootfd);
	m->overlay = has_overlay(rootfd);
	m->cgroup2 = file_exists_in(rootfd, "sys/fs/cgroup/cgroup.controllers");
	m->ip_forward = is_one(rootfd, "proc/sys/net/ipv4/ip_forward");
	/* With br_netfilter built into the kernel, /sys/module has no directory for it, but the sysctls
	 * exist. */
	m->br_netfilter = file_exists_in(rootfd, "sys/module/br_netfilter") ||
			  file_exists_in(rootfd, "proc/sys/net/bridge/bridge-nf-call-iptables");
	m->bridge_nf = is_one(rootfd, "proc/sys/net/bridge/bridge-nf-call-iptables");
}

/* Read only where the guest can set its clock; a container has its host's. timesyncd records a synchronised
 * clock in a file, other daemons record it in the kernel. */
static void read_clock(int rootfd, struct facts *m)
{
	bool timesyncd = file_exists_in(rootfd, "run/systemd/timesync");
	bool other = file_exists_in(rootfd, "run/chrony") || file_exists_in(rootfd, "run/ntpd.pid");
	CLEANUP(close_p) int image = file_open_in(rootfd, FACTS_IMAGE_FILE, O_RDONLY, 0);
	struct timex kernel = { 0 };
	struct stat st;

	m->clock_known = !m->container && (timesyncd || other);
	m->clock_synced = file_exists_in(rootfd, "run/systemd/timesync/synchronized") ||
			  (other && adjtimex(&kernel) >= 0 && !(kernel.status & STA_UNSYNC));
	m->clock_behind = image >= 0 && fstat(image, &st) == 0 && st.st_mtime > time(NULL);
}

int facts_read(const char *root, struct facts *ret, struct error *err)
{
	CLEANUP(facts_done) struct facts m = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);

	if (rootfd < 0)
		return -1;
	m.hostname = guest_word(rootfd, "proc/sys/kernel/hostname");
	m.container = read_container(rootfd);
	m.user_namespace = in_user_namespace(rootfd);
	read_kernel(rootfd, &m);
	read_clock(rootfd, &m);
	facts_identity(rootfd, &m);
	facts_software(rootfd, &m);
	facts_container(rootfd, &m);
	facts_runc(&m);
	*ret = m;
	m = (struct facts){ 0 };
	return 0;
}

void facts_done(struct facts *m)
{
	char **owned[] = { &m->hostname,   &m->uuid,        &m->address,  &m->container, &m->kubeadm_version,
			   &m->cri_socket, &m->pause_image, &m->etcd_tag, &m->dns_tag,   &m->runc_version };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(*owned[i]);
	strings_done(&m->macs);
	strings_done(&m->images);
	strings_done(&m->leftovers);
	strings_done(&m->sysctls);
	strings_done(&m->lacks_controllers);
	vec_done(&m->ports);
	*m = (struct facts){ 0 };
}
