/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of Proxmox VE: "STATUS REASON" on the first line, then the body, which is also read as a list of guests and as a config. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pve_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(enum pve_failure failure, const char *message)
{
	if ((failure == PVE_OK) != (message == NULL))
		abort();
	for (; message && *message; message++)
		if ((unsigned char)*message < ' ')
			abort();
}

static void check_guests(const struct json *data)
{
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };

	pve_parse_guests(data, &guests);
	for (size_t i = 0; i < guests.n; i++)
		if (guests.at[i].vmid <= 0 || !guests.at[i].node || (i && guests.at[i].vmid < guests.at[i - 1].vmid))
			abort();
}

static void check_config(const struct json *data)
{
	CLEANUP(strings_done) struct strings macs = { 0 };
	int64_t n;

	strings_add(&macs, "bc:24:11:00:00:01");
	pve_config_matches(data, "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f", &macs);
	for (size_t i = 0; json_key(data, i); i++)
		if (!json_get_string(data, json_key(data, i)) && pve_get_int(data, json_key(data, i), &n) &&
		    json_count(json_get(data, json_key(data, i))))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = size ? memchr(text, '\n', size) : NULL;
	CLEANUP(free_p) char *first = end ? xstrndup(text, (size_t)(end - text)) : xstrdup("200 OK");
	const char *body = end ? end + 1 : text;
	size_t len = size - (size_t)(body - text);
	CLEANUP(json_free_p) struct json *json = NULL;
	CLEANUP(free_p) char *message = NULL;
	struct error err = { 0 };
	char *reason;
	long status = strtol(first, &reason, 10);

	enum pve_failure failure = pve_classify(status, *reason ? reason + 1 : NULL, body, len, &message);
	check_message(failure, message);
	if (json_parse("fuzz", body, len, &json, &err) < 0)
		return 0;
	check_guests(json);
	check_guests(json_get(json, "data"));
	check_config(json);
	check_config(json_get(json, "data"));
	return 0;
}
