/* SPDX-License-Identifier: Apache-2.0 */
/* For any output of kubeadm, its messages have no line break and are short, and the words of the error are one printable
 * line without a secret. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kubeadm_error.h"
#include "agent/kubeadm_message.h"
#include "lib/text.h"
#include "lib/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 1024
#define TOKEN_LENGTH 23

static bool shows_a_token(const char *words)
{
	for (const char *s = words; strlen(s) >= TOKEN_LENGTH; s++) {
		CLEANUP(free_p) char *word = xstrndup(s, TOKEN_LENGTH);
		if (bootstrap_token_is_valid(word))
			return true;
	}
	return false;
}

/* "https://user:password@host" */
static bool shows_a_password(const char *words)
{
	for (const char *s = words; (s = strstr(s, "://"));) {
		s += strlen("://");
		size_t n = strcspn(s, " \t/?#\"'\\@");
		if (s[n] == '@' && n && strspn(s, "*") != n && strncmp(s, "(hidden)", n) != 0)
			return true;
	}
	return false;
}

static void look_at(void *context, const struct kubeadm_message *m)
{
	size_t *total = context;

	if (!m->text.data || strlen(m->text.data) > KUBEADM_MESSAGE_MAX + KUBEADM_MESSAGE_NAME_MAX ||
	    strlen(m->name) >= sizeof(m->name) || strchr(m->text.data, '\n'))
		abort();
	*total += m->text.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t total = 0;
	CLEANUP(kubeadm_error_done) struct kubeadm_error v = { 0 };

	kubeadm_error_classify((const char *)data, size, &v);
	kubeadm_message_each((const char *)data, size, look_at, &total);
	if (!v.sentence || !kubeadm_error_class_name(v.class))
		abort();
	if (v.words && (strlen(v.words) > WORDS_MAX || shows_a_token(v.words) || shows_a_password(v.words)))
		abort();
	for (const char *s = v.words ? v.words : ""; *s; s++)
		if (iscntrl((unsigned char)*s))
			abort();
	kubeadm_error_settle(&v, size % 2);
	return v.sentence ? 0 : 1;
}
