/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cards.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "agent/guest_file.h"
#include "lib/file.h"

#define CARDS "sys/class/net"
#define ETHERNET "1" /* ARPHRD_ETHER, in an interface's file `type` */

static bool has(int rootfd, const char *name, const char *file)
{
	CLEANUP(free_p) char *path = xasprintf(CARDS "/%s/%s", name, file);

	return file_exists_in(rootfd, path);
}

static char *read_word(int rootfd, const char *name, const char *file)
{
	CLEANUP(free_p) char *path = xasprintf(CARDS "/%s/%s", name, file);

	return guest_word(rootfd, path);
}

static bool is_card(int rootfd, const char *name, bool container)
{
	static const char *const made[] = { "veth", "cni", "docker", "br-", "cali", "flannel", "lxc", "kube", "dummy" };
	CLEANUP(free_p) char *type = read_word(rootfd, name, "type");

	if (!text_same(type, ETHERNET))
		return false;
	if (has(rootfd, name, "device"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if (text_starts(name, made[i]))
			return false;
	return container && !has(rootfd, name, "bridge");
}

/* An interface is a link into the directory of its device: ../../devices/pci0000:00/0000:00:12.0/virtio1/net/ens18. */
static char *read_place(int directory, const char *name)
{
	char place[PATH_MAX];
	ssize_t n = readlinkat(directory, name, place, sizeof place);

	return n < 0 ? xstrdup(name) : xstrndup(place, (size_t)n);
}

static char *read_mac(int rootfd, const char *name)
{
	char *mac = read_word(rootfd, name, "address");

	for (char *c = mac; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return mac;
}

static int compare_places(const void *a, const void *b)
{
	return strcmp(((const struct card *)a)->place, ((const struct card *)b)->place);
}

void cards_read(int rootfd, bool container, struct cards *ret)
{
	int fd = file_open_in(rootfd, CARDS, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	for (const struct dirent *e; dir && (e = readdir(dir));) {
		if (e->d_name[0] == '.' || !is_card(rootfd, e->d_name, container))
			continue;
		vec_push(ret, (struct card){ .name = xstrdup(e->d_name),
					     .mac = read_mac(rootfd, e->d_name),
					     .place = read_place(dirfd(dir), e->d_name) });
	}
	if (ret->n)
		qsort(ret->at, ret->n, sizeof *ret->at, compare_places);
}

void cards_done(struct cards *cards)
{
	for (size_t i = 0; i < cards->n; i++) {
		free(cards->at[i].name);
		free(cards->at[i].mac);
		free(cards->at[i].place);
	}
	vec_done(cards);
}
