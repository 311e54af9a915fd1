/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http_status.h"

#include <stddef.h>

#include "lib/macro.h"

/* The first row that has the status in its range wins. */
static const struct {
	long from, to;
	const char *advice;
} rows[] = {
	{ 401, 401,
	  "it wants a user and a password, or others: give them in the URL, https://USER:PASSWORD@HOST/, or in this "
	  "host's /etc/apt/auth.conf.d" },
	{ 403, 403,
	  "it, or a proxy, does not let this host or user have it: check the address, and whether it wants a user "
	  "and a password" },
	{ 404, 404, "not found" },
	{ 407, 407,
	  "the proxy wants a user and a password, or others: http://USER:PASSWORD@PROXY:PORT in http_proxy and "
	  "https_proxy, or in apt's Acquire::http::Proxy" },
	{ 410, 410, "it was removed there" },
	{ 429, 429, "too many requests; try again later" },
	{ 500, 599, "the server or a proxy has a fault; try again later" },
};

const char *http_status_advice(long status)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (status >= rows[i].from && status <= rows[i].to)
			return rows[i].advice;
	return "";
}
