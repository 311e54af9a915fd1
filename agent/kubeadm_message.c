/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm_message.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kubeadm_output.h"
#include "lib/alloc.h"

#define CHECK "[ERROR "
#define WARNING "[WARNING "
#define PHASE "error execution "                    /* "phase NAME: ...", "run condition for phase NAME: ..." */
#define HINT "To see the stack trace of this error" /* the line below what kubeadm ends with */

struct splitter {
	void (*each)(void *context, const struct kubeadm_message *message);
	void *context;
	struct kubeadm_message message; /* not complete yet; no text when there is none */
	size_t last;                    /* where its last line begins */
	bool is_warning;                /* it is of no interest */
};

/* Since 1.30 several images are pulled at a time; what failed is then one list in one line. */
static void emit(struct splitter *s)
{
	static const char next[] = ", failed to pull image ";
	struct kubeadm_message *m = &s->message;
	struct text whole = TAKE(m->text);

	for (char *rest = whole.data, *end; rest && !s->is_warning; rest = end) {
		end = m->kind == KUBEADM_MESSAGE_CHECK ? strstr(rest, next) : NULL;
		if (end)
			*end = '\0';
		if (rest != whole.data)
			text_addf(&m->text, CHECK "%s]: ", m->name);
		text_add(&m->text, rest);
		s->each(s->context, m);
		text_done(&m->text);
		end = end ? end + strlen(", ") : NULL;
	}
	text_done(&whole);
	*m = (struct kubeadm_message){ 0 };
	s->last = 0;
	s->is_warning = false;
}

/* klog's lines, "I0608 15:40:44.436761 ...", are about intermediate tries. */
static bool is_klog(const char *line)
{
	return (*line == 'I' || *line == 'W') && strspn(line + 1, "0123456789") == 4;
}

static void set_name(struct kubeadm_message *m, const char *name, const char *end)
{
	size_t n = strcspn(name, end);

	if (n < sizeof(m->name))
		memcpy(m->name, name, n);
}

/* Whether a message begins with the line; line has no white space before it. */
static bool begins(const char *line, struct kubeadm_message *ret)
{
	const char *phase = strstr(line, PHASE);
	char name[KUBEADM_PHASE_MAX];

	*ret = (struct kubeadm_message){ .kind = KUBEADM_MESSAGE_FINAL };
	if (text_starts(line, CHECK)) {
		ret->kind = KUBEADM_MESSAGE_CHECK;
		set_name(ret, line + strlen(CHECK), "]");
	} else if (phase && (phase = strstr(phase, "phase "))) {
		set_name(ret, phase + strlen("phase "), ":");
	} else if (!text_starts(line, "error: ")) {
		ret->kind = KUBEADM_MESSAGE_LINE;
		return text_starts(line, WARNING) || kubeadm_output_phase(line, name);
	}
	return true;
}

/* Without "error: ", as older kubeadms print what is wrong in their configuration; a warning may be before it. */
static void end_by_hint(struct splitter *s)
{
	struct kubeadm_message *m = &s->message;

	if (m->kind == KUBEADM_MESSAGE_LINE && m->text.data && !(s->is_warning && !s->last)) {
		struct text whole = TAKE(m->text);
		text_add(&m->text, whole.data + s->last);
		text_done(&whole);
		m->kind = KUBEADM_MESSAGE_FINAL;
		s->is_warning = false;
	}
	emit(s);
}

static void read_line(struct splitter *s, const char *line)
{
	struct kubeadm_message *m = &s->message, start;

	if (is_klog(line))
		return;
	if (text_starts(line, HINT)) {
		end_by_hint(s);
		return;
	}
	line += strspn(line, " \t");
	if (begins(line, &start) || (m->kind == KUBEADM_MESSAGE_LINE && !s->is_warning)) {
		emit(s);
		*m = start;
		s->is_warning = text_starts(line, WARNING);
	}
	size_t n = strlen(line);
	if (!n || m->text.len + 1 + n > KUBEADM_MESSAGE_MAX)
		n = m->text.len ? 0 : strnlen(line, KUBEADM_MESSAGE_MAX);
	if (n && m->text.len)
		text_add(&m->text, " ");
	s->last = n ? m->text.len : s->last;
	text_addn(&m->text, line, n);
}

void kubeadm_message_each(const char *output, size_t len,
			  void (*each)(void *context, const struct kubeadm_message *message), void *context)
{
	struct splitter s = { .each = each, .context = context };

	while (len > 0) {
		const char *end = memchr(output, '\n', len);
		size_t n = end ? (size_t)(end - output) : len;
		CLEANUP(free_p) char *line = xstrndup(output, n);
		read_line(&s, line);
		output += n + (end != NULL);
		len -= n + (end != NULL);
	}
	emit(&s);
}
