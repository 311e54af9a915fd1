/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/card_match.h"

#include <dirent.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "agent/guest_file.h"
#include "lib/file.h"
#include "lib/log.h"

#define DROP_INS "run/systemd/network"
#define DROP_IN "50-nodekiln.conf"

/* Where cloud-init writes; networkd reads both. */
static const char *const directories[] = { "etc/systemd/network", "run/systemd/network" };

/* What a .network file says of its cards. */
struct match {
	char *name;   /* owned; of [Match], NULL = none, or several */
	bool others;  /* [Match] has more than a name */
	bool address; /* the file has a static address */
};

static void match_done(struct match *m)
{
	free_p(&m->name);
}

static void read_key(const char *section, const char *key, const char *value, struct match *m)
{
	bool is_match = !strcmp(section, "[Match]"), is_name = !strcmp(key, "Name");

	m->address |= !is_match && !strcmp(key, "Address");
	if (!is_match || !*value)
		return;
	if (!is_name || m->name || strchr(value, ' ')) {
		m->others = true;
		return;
	}
	m->name = xstrdup(value);
}

static void match_read(const char *network, struct match *ret)
{
	CLEANUP(free_p) char *copy = xstrdup(network);
	const char *section = "";
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');
		if (*line == '[')
			section = text_trim(line);
		if (*line == '[' || *line == '#' || *line == ';' || !value)
			continue;
		*value++ = '\0';
		read_key(section, text_trim(line), text_trim(value), ret);
	}
}

/* "eth1" is 1; -1 when the name is no such. */
static int number_of(const char *name)
{
	char *end;

	if (!text_starts(name, "eth") || name[3] < '0' || name[3] > '9')
		return -1;
	long n = strtol(name + 3, &end, 10);
	return *end || n > 255 ? -1 : (int)n;
}

static const struct card *first_matching(const struct cards *cards, const char *pattern)
{
	for (size_t i = 0; i < cards->n; i++)
		if (fnmatch(pattern, cards->at[i].name, 0) == 0)
			return &cards->at[i];
	return NULL;
}

static const struct card *find(const struct cards *cards, const struct match *m)
{
	const struct card *first = m->name ? first_matching(cards, m->name) : NULL;
	int n = m->name ? number_of(m->name) : -1;

	if (!m->name || m->others)
		return NULL;
	if (!first)
		return n >= 0 && (size_t)n < cards->n ? &cards->at[n] : NULL;
	return m->address && strcmp(first->name, m->name) ? first : NULL;
}

const struct card *card_match_find(const struct cards *cards, const char *network)
{
	CLEANUP(match_done) struct match m = { 0 };

	match_read(network, &m);
	return find(cards, &m);
}

char *card_match_absent(const struct cards *cards, const char *network)
{
	CLEANUP(match_done) struct match m = { 0 };

	match_read(network, &m);
	if (!m.name || m.others || *m.name == '!' || first_matching(cards, m.name) || find(cards, &m))
		return NULL;
	return TAKE(m.name);
}

static bool is_ours(const char *name)
{
	return text_starts(name, "10-cloud-init-") && text_ends(name, ".network");
}

static int each_in(int rootfd, const char *directory, int (*fn)(const char *, const char *, void *, struct error *),
		   void *context, struct error *err)
{
	int fd = file_open_in(rootfd, directory, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	for (const struct dirent *e; dir && (e = readdir(dir));) {
		CLEANUP(free_p) char *path = xasprintf("%s/%s", directory, e->d_name);
		CLEANUP(free_p) char *network = is_ours(e->d_name) ? guest_text(rootfd, path) : NULL;
		if (network && fn(e->d_name, network, context, err) < 0)
			return -1;
	}
	return 0;
}

int card_match_each(int rootfd, int (*fn)(const char *name, const char *network, void *context, struct error *err),
		    void *context, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (each_in(rootfd, directories[i], fn, context, err) < 0)
			return -1;
	return 0;
}

struct narrowing {
	int rootfd;
	struct cards cards;
};

static void narrowing_done(struct narrowing *n)
{
	cards_done(&n->cards);
	close_p(&n->rootfd);
}

static int narrow(const char *name, const char *network, void *context, struct error *err)
{
	const struct narrowing *n = context;
	const struct card *card = card_match_find(&n->cards, network);

	if (!card)
		return 0;
	CLEANUP(free_p) char *path = xasprintf(DROP_INS "/%s.d/" DROP_IN, name);
	CLEANUP(free_p) char *text = xasprintf("[Match]\nName=\nName=%s\n", card->name);
	log_info("%s is for the card %s", name, card->name);
	return file_write_in(n->rootfd, path, text, strlen(text), 0644, err);
}

int card_match(const char *root, struct error *err)
{
	CLEANUP(narrowing_done) struct narrowing n = { .rootfd = dir_open(AT_FDCWD, *root ? root : "/", err) };

	if (n.rootfd < 0)
		return -1;
	cards_read(n.rootfd, false, &n.cards);
	return card_match_each(n.rootfd, narrow, &n, err);
}
