/* SPDX-License-Identifier: Apache-2.0 */
/* The file of the clusters' secrets and of the guests that deploy has made: what is read is written so that it reads back, and no message
 * shows a token. */
#include <stdint.h>
#include <string.h>

#include "builder/seed/seed_secrets.h"
#include "tests/fuzz/canary.h"

#define CLUSTER "fuzz"
#define VMID 4711
#define TOKEN "abcdef.0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t guests(const struct seed_secrets *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->at[i].made.n;
	return n;
}

/* Adds a guest, writes, and reads again. */
static void write_again(const char *file, struct seed_secrets *s)
{
	CLEANUP(seed_secrets_close) struct seed_secrets again = { .lock = -1 };
	struct error err = { 0 };

	seed_secrets_record(s, seed_secrets_of(s, CLUSTER), VMID, "cp1", NULL);
	size_t n = s->n, made = guests(s);
	need(seed_secrets_save(s, &err) == 0);
	seed_secrets_close(s);
	*s = (struct seed_secrets){ .lock = -1 };
	need(seed_secrets_open(file, &again, &err) == 0 && again.n <= n && guests(&again) == made);
	need(seed_secrets_made(seed_secrets_of(&again, CLUSTER), VMID));
}

static void use(const char *file)
{
	CLEANUP(seed_secrets_close) struct seed_secrets secrets = { .lock = -1 };
	struct error err = { 0 };

	if (seed_secrets_open(file, &secrets, &err) == 0)
		write_again(file, &secrets);
	else
		need(*err.text && !strstr(err.text, TOKEN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct canary canary;

	canary_open(&canary);
	CLEANUP(free_p) char *file = xasprintf("%s/root/secrets", canary.path);
	need(file_write(canary.root, "secrets", data, size, 0600, &err) == 0);
	use(file);
	canary_close(&canary);
	return 0;
}
