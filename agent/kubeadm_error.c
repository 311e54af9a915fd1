/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm_error.h"

#include <stdlib.h>
#include <string.h>

#include "agent/kubeadm_error_table.h"
#include "lib/alloc.h"
#include "lib/redact.h"

/* Of kubeadm's own words: how they begin, and how they end, where the cause is. */
#define HEAD_MAX 160
#define TAIL_MAX 200
#define STATEMENTS_MAX 10000 /* the failures are numbered from here */

/* A message that a row of one of the tables fits. */
struct match {
	enum kubeadm_error_class class;
	const char *advice; /* NULL when none does */
	int certainty;      /* how well it says why kubeadm ended */
	size_t row;         /* its place; the failures come behind the statements */
	char *words;        /* owned */
};

static const struct kubeadm_statement *statement_of(const char *words, size_t *ret_row)
{
	for (size_t i = 0; kubeadm_statements[i].text[0]; i++) {
		const struct kubeadm_statement *s = &kubeadm_statements[i];
		size_t n = 0;
		while (n < ARRAY_SIZE(s->text) && s->text[n] && strstr(words, s->text[n]))
			n++;
		*ret_row = i;
		if (n == ARRAY_SIZE(s->text) || !s->text[n])
			return s;
	}
	return NULL;
}

/* What the registry, the container runtime and a webhook say is theirs, even in the API server's words. */
static bool has_statements(enum kubeadm_subject subject)
{
	return subject != KUBEADM_REGISTRY && subject != KUBEADM_RUNTIME && subject != KUBEADM_WEBHOOK;
}

static const struct kubeadm_failure *failure_of(enum kubeadm_subject subject, enum kubeadm_cause cause, size_t *ret_row)
{
	for (size_t i = 0; kubeadm_failures[i].advice; i++) {
		const struct kubeadm_failure *f = &kubeadm_failures[i];
		*ret_row = i;
		if ((f->subject == subject || f->subject == KUBEADM_ANY) &&
		    (f->cause == cause || f->cause == KUBEADM_NO_CAUSE))
			return f;
	}
	return NULL;
}

/* "timed out" at the end says less than a line before it that knows why. */
static int certainty_of(enum kubeadm_message_kind kind, bool is_vague)
{
	if (kind == KUBEADM_MESSAGE_CHECK)
		return 4;
	if (kind == KUBEADM_MESSAGE_FINAL)
		return is_vague ? 2 : 4;
	return is_vague ? 1 : 3;
}

/* Whether kubeadm ends with what a server says that has not proven to be the cluster's: its answer to anybody, or
 * the names in its certificate, which Go shows before it asks who signed it. */
static bool is_unproven(const struct kubeadm_message *m)
{
	const char *url = strstr(m->text.data, "/api/v1/"), *certificate = strstr(m->text.data, "x509: ");

	return m->kind == KUBEADM_MESSAGE_FINAL &&
	       (strstr(m->text.data, "couldn't validate the identity of the API Server: ") ||
		(url && certificate && url < certificate));
}

/* What is wrong with this machine is the cause of whatever else a message says. */
static struct match match_of(const struct kubeadm_message *m)
{
	enum kubeadm_subject subject = kubeadm_subject_of(m);
	enum kubeadm_cause cause = kubeadm_cause_of(m);
	struct match found = { 0 };
	size_t row;
	const struct kubeadm_statement *s = statement_of(m->text.data, &found.row);
	const struct kubeadm_failure *f = failure_of(subject, cause, &row);

	if (s && has_statements(subject) && !(f && f->subject == KUBEADM_ANY)) {
		found.class = s->class;
		found.advice = s->advice;
		found.certainty = certainty_of(m->kind, false);
	} else if (f) {
		found.class = f->class;
		found.advice = f->advice;
		found.certainty = certainty_of(m->kind, cause == KUBEADM_NO_CAUSE || cause == KUBEADM_LATE);
		found.row = row + STATEMENTS_MAX;
	}
	return found;
}

/* Several known messages in one output, typically in preflight's list, are several problems, and the node can continue
 * only when all are solved. So the most severe class decides: a permanent failure, then credentials, then a temporary
 * failure. KUBEADM_ERROR_JOINED counts only when nothing else matches; otherwise it is a symptom. */
static bool is_worse(const struct match *a, const struct match *b)
{
	static const int severity[] = {
		[KUBEADM_ERROR_JOINED] = 0,
		[KUBEADM_ERROR_RETRY] = 1,
		[KUBEADM_ERROR_CREDENTIALS] = 2,
		[KUBEADM_ERROR_FATAL] = 3,
	};

	if (!b->advice || a->certainty != b->certainty)
		return !b->advice || a->certainty > b->certainty;
	if (severity[a->class] != severity[b->class])
		return severity[a->class] > severity[b->class];
	return a->row < b->row;
}

/* A failure that no row knows is described by the last of the most informative messages. */
static int error_rank(const struct kubeadm_message *m)
{
	if (m->kind == KUBEADM_MESSAGE_CHECK)
		return 3;
	if (m->kind == KUBEADM_MESSAGE_FINAL)
		return 2;
	return strstr(m->text.data, "rror") ? 1 : 0;
}

struct reading {
	struct match best;
	char *error; /* owned; the most informative message, the last of its rank */
	int rank;
	bool ended; /* by a message that may hold whole lines of another server's */
};

static void read_message(void *reading, const struct kubeadm_message *m)
{
	struct reading *r = reading;
	struct match found = match_of(m);
	int rank = error_rank(m);

	if (r->ended)
		return;
	r->ended = is_unproven(m);
	if (r->ended && found.class != KUBEADM_ERROR_RETRY)
		found.class = KUBEADM_ERROR_CREDENTIALS;
	if (found.advice && is_worse(&found, &r->best)) {
		free(r->best.words);
		r->best = found;
		r->best.words = xstrdup(m->text.data);
	}
	if (rank && rank >= r->rank) {
		free(r->error);
		r->error = xstrdup(m->text.data);
		r->rank = rank;
	}
}

static bool is_inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Shortens kubeadm's words to one printable piece and masks secrets. */
static char *words_of(char *text)
{
	char *words = text_trim(text);

	text_make_printable(words);
	redact_secrets(words);
	size_t n = strlen(words), head = HEAD_MAX, tail = n > TAIL_MAX ? n - TAIL_MAX : 0;
	if (n <= HEAD_MAX + TAIL_MAX)
		return xstrdup(words);
	while (head > 0 && is_inside_character(words[head]))
		head--;
	while (is_inside_character(words[tail]))
		tail++;
	return xasprintf("%.*s ... %s", (int)head, words, words + tail);
}

void kubeadm_error_classify(const char *output, size_t len, struct kubeadm_error *ret)
{
	struct reading r = { 0 };

	kubeadm_message_each(output, len, read_message, &r);
	if (r.best.advice) {
		ret->class = r.best.class;
		ret->sentence = xstrdup(r.best.advice);
		ret->words = words_of(r.best.words);
	} else {
		ret->class = KUBEADM_ERROR_RETRY;
		ret->sentence =
			xstrdup(r.error ? "kubeadm failed; `journalctl -u nodekiln-agent` on the node has its words"
					: "kubeadm failed and gave no reason");
		ret->words = r.error ? words_of(r.error) : NULL;
	}
	free(r.best.words);
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
