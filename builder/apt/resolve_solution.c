/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/resolve_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

#define SOLUTION_MAX (16u << 20)

int resolve_solution_load(const struct apt *apt, const char *digest, struct lock *ret)
{
	CLEANUP(free_p) char *name = xasprintf(RESOLVE_SOLUTIONS "/%s.json", digest);
	CLEANUP(text_done) struct text text = { 0 };
	struct error ignored = { 0 };

	if (faccessat(apt->fd, name, F_OK, 0) < 0)
		return 0;
	if (file_read(apt->fd, name, SOLUTION_MAX, &text, &ignored) == 0 &&
	    lock_parse(name, text.data, text.len, ret, &ignored) == 0)
		return 1;
	log_debug("%s", ignored.text);
	return 0;
}

int resolve_solution_store(const struct apt *apt, const char *digest, struct lock *lock, struct error *err)
{
	free(lock->recipe_digest);
	lock->recipe_digest = xstrdup(digest);

	CLEANUP(free_p) char *name = xasprintf(RESOLVE_SOLUTIONS "/%s.json", digest);
	CLEANUP(json_free_p) struct json *json = lock_json(lock);
	CLEANUP(text_done) struct text text = { 0 };

	json_print(json, false, &text);
	return file_write(apt->fd, name, text.data, text.len, 0644, err);
}
