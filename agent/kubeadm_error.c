/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm_error.h"

#include <stdlib.h>
#include <string.h>

#include "agent/kubeadm_error_table.h"
#include "lib/alloc.h"
#include "lib/redact.h"
#include "lib/text.h"

#define KUBEADM_ERROR_LINE_MAX 4096 /* longer lines are truncated before they are matched */
#define KUBEADM_ERROR_WORDS_MAX 300 /* of kubeadm's own words */

/* The best row so far, and the line it was found in. */
struct match {
	const struct kubeadm_error_row *row;
	size_t weight; /* total length of the row's fragments */
	char *line;    /* owned */
};

static size_t weight_in(const struct kubeadm_error_row *row, const char *line)
{
	size_t weight = 0;

	for (size_t i = 0; i < ARRAY_SIZE(row->fragment) && row->fragment[i]; i++) {
		if (!strstr(line, row->fragment[i]))
			return 0;
		weight += strlen(row->fragment[i]);
	}
	return weight;
}

/* Of several rows that match a line, the one with the longest fragments is the most specific and is used. */
static const struct kubeadm_error_row *row_of(const char *line, size_t *ret_weight)
{
	const struct kubeadm_error_row *best = NULL;

	*ret_weight = 0;
	for (const struct kubeadm_error_row *row = kubeadm_error_rows; row->fragment[0]; row++) {
		size_t weight = weight_in(row, line);
		if (weight > *ret_weight) {
			*ret_weight = weight;
			best = row;
		}
	}
	return best;
}

/* Several known lines in one output, typically in preflight's list, are several problems, and the node
 * can continue only when all are solved. So the most severe class decides: a permanent failure, then
 * credentials, then a temporary failure. KUBEADM_ERROR_JOINED counts only when nothing else matches;
 * otherwise it is a symptom. */
static bool is_worse(const struct match *a, const struct match *b)
{
	static const int severity[] = {
		[KUBEADM_ERROR_JOINED] = 0,
		[KUBEADM_ERROR_RETRY] = 1,
		[KUBEADM_ERROR_CREDENTIALS] = 2,
		[KUBEADM_ERROR_FATAL] = 3,
	};

	if (!b->row || severity[a->row->class] != severity[b->row->class])
		return !b->row || severity[a->row->class] > severity[b->row->class];
	return a->weight > b->weight;
}

/* klog lines, "I0608 15:40:44.436761 ...", are about intermediate tries; warnings are not failures. */
static bool is_talk(const char *line)
{
	bool klog = (line[0] == 'I' || line[0] == 'W') && strspn(line + 1, "0123456789") == 4;

	return klog || strstr(line, "[WARNING ");
}

/* The lines that kubeadm ends with, most informative first. A failure that no row knows is described by such
 * a line. */
static int error_rank(const char *line)
{
	static const char *const marks[] = { "[ERROR ", "error execution phase ", "error: ", "rror" };

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (strstr(line, marks[i]))
			return (int)(ARRAY_SIZE(marks) - i);
	return 0;
}

struct reading {
	struct match best;
	char *error; /* owned; the most informative error line that no row knows, the last of its rank */
	int rank;
};

static void read_line(struct reading *r, const char *line)
{
	/* Hints about flags contain the word "error", too. */
	if (is_talk(line) || strstr(line, "To see the stack trace of this error"))
		return;
	struct match found = { 0 };
	found.row = row_of(line, &found.weight);
	if (found.row && is_worse(&found, &r->best)) {
		free(r->best.line);
		r->best = found;
		r->best.line = xstrdup(line);
	}
	int rank = error_rank(line);
	if (rank && rank >= r->rank) {
		free(r->error);
		r->error = xstrdup(line);
		r->rank = rank;
	}
}

static void read_output(struct reading *r, const char *output, size_t len)
{
	while (len > 0) {
		const char *end = memchr(output, '\n', len);
		size_t n = end ? (size_t)(end - output) : len;
		CLEANUP(free_p) char *line = xstrndup(output, n < KUBEADM_ERROR_LINE_MAX ? n : KUBEADM_ERROR_LINE_MAX);
		read_line(r, line);
		output += n + (end != NULL);
		len -= n + (end != NULL);
	}
}

/* Shortens kubeadm's words to one printable piece and masks secrets. */
static char *words_of(char *line)
{
	char *words = text_trim(line);

	text_make_printable(words);
	redact_secrets(words);
	if (strlen(words) > KUBEADM_ERROR_WORDS_MAX) {
		size_t n = KUBEADM_ERROR_WORDS_MAX;
		while (n > 0 && ((unsigned char)words[n] & 0xc0) == 0x80) /* not inside a UTF-8 character */
			n--;
		return xasprintf("%.*s...", (int)n, words);
	}
	return xstrdup(words);
}

void kubeadm_error_classify(const char *output, size_t len, struct kubeadm_error *ret)
{
	struct reading r = { 0 };

	read_output(&r, output, len);
	if (r.best.row) {
		ret->class = r.best.row->class;
		ret->sentence = xstrdup(r.best.row->advice);
		ret->words = words_of(r.best.line);
	} else {
		ret->class = KUBEADM_ERROR_RETRY;
		ret->sentence =
			xstrdup(r.error ? "kubeadm failed; `journalctl -u nodekiln-agent` on the node has its words"
					: "kubeadm failed and gave no reason");
		ret->words = r.error ? words_of(r.error) : NULL;
	}
	free(r.best.line);
	free(r.error);
}

void kubeadm_error_settle(struct kubeadm_error *v, bool has_certificate)
{
	if (v->class != KUBEADM_ERROR_JOINED || has_certificate)
		return;
	char *sentence = v->sentence;
	v->class = KUBEADM_ERROR_FATAL;
	v->sentence = xasprintf(
		"another machine of this name is in the cluster; give this node another name (node.name), or delete "
		"the other Node: %s",
		sentence);
	free(sentence);
}

const char *kubeadm_error_class_name(enum kubeadm_error_class class)
{
	static const char *const names[] = {
		[KUBEADM_ERROR_RETRY] = "retry",
		[KUBEADM_ERROR_CREDENTIALS] = "credentials",
		[KUBEADM_ERROR_FATAL] = "fatal",
		[KUBEADM_ERROR_JOINED] = "joined",
	};

	return names[class];
}

void kubeadm_error_done(struct kubeadm_error *v)
{
	free(v->sentence);
	free(v->words);
	v->sentence = v->words = NULL;
}
