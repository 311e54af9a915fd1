/* SPDX-License-Identifier: Apache-2.0 */
/* For any output of kubeadm, its words are one printable line without a secret. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kubeadm_error.h"
#include "lib/text.h"
#include "lib/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 1024
#define TOKEN_LENGTH 23

static bool shows_a_token(const char *sentence)
{
	for (const char *s = sentence; strlen(s) >= TOKEN_LENGTH; s++) {
		CLEANUP(free_p) char *word = xstrndup(s, TOKEN_LENGTH);
		if (bootstrap_token_is_valid(word))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(kubeadm_error_done) struct kubeadm_error v = { 0 };

	kubeadm_error_classify((const char *)data, size, &v);
	if (!v.sentence || !kubeadm_error_class_name(v.class))
		abort();
	if (v.words && (strlen(v.words) > WORDS_MAX || shows_a_token(v.words)))
		abort();
	for (const char *s = v.words ? v.words : ""; *s; s++)
		if (iscntrl((unsigned char)*s))
			abort();
	kubeadm_error_settle(&v, size % 2);
	return v.sentence ? 0 : 1;
}
