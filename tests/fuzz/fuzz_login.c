/* SPDX-License-Identifier: Apache-2.0 */
/* For any text as a URL: what is left of it has no user and no password, and is not longer; a refusal does not have the text. And as an
 * apt_auth.conf(5). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LONGER_THAN_A_WORD 12 /* of the message */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *text = xstrndup((const char *)data, size), *url = xstrdup(text), *again = NULL;
	const char *user, *password;
	struct error err = { 0 };

	login_read_auth_conf(text);
	login_find(text, &user, &password);
	if (login_split(&url, "mirror", &err) < 0) {
		if (strcmp(url, text) != 0 || (strlen(text) > LONGER_THAN_A_WORD && strstr(err.text, text)))
			abort();
		return 0;
	}
	again = xstrdup(url);
	if (strlen(url) > strlen(text) || login_split(&again, "mirror", &err) < 0 || strcmp(again, url) != 0)
		abort();
	if (strcmp(url, text) != 0 && !strpbrk(url, "{?#") && url[strspn(url, "/")] &&
	    !login_find(url, &user, &password))
		abort();
	return 0;
}
