/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/http_session.h as a program, for tests/e2e/agent_static.py: trust URL CA FINGERPRINTS CERTIFICATE KEY. CA, CERTIFICATE and KEY
 * are files, FINGERPRINTS is separated by commas; "-" is none. It sends one GET, and prints "ok", or "untrusted" or "failed" and why.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/http_session.h"

#define PEM_MAX (1 << 20)

static char *read_pem(const char *file)
{
	struct text pem = { 0 };
	struct error err = { 0 };

	if (!strcmp(file, "-"))
		return NULL;
	if (file_read(AT_FDCWD, file, PEM_MAX, &pem, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(2);
	}
	return text_take(&pem);
}

int main(int argc, char **argv)
{
	struct http_session *session = NULL;
	struct http_response response = { 0 };
	struct error err = { 0 };
	struct strings sums = { 0 };

	if (argc != 6)
		return 2;
	for (char *sum = strtok(argv[3], ","); sum && strcmp(sum, "-"); sum = strtok(NULL, ","))
		strings_add(&sums, sum);
	struct http_trust trust = { .ca = read_pem(argv[2]),
				    .fingerprints = sums.n ? &sums : NULL,
				    .certificate = read_pem(argv[4]),
				    .key = read_pem(argv[5]) };
	if (http_session_open(&trust, 10, &session, &err) == 0 &&
	    http_session_request(session, &(struct http_request){ .method = "GET", .url = argv[1] }, &response, &err) ==
		    0)
		printf("ok %ld\n", response.status);
	else
		printf("%s %s\n", err.class == ERROR_TRUST ? "untrusted" : "failed", err.text);
	http_session_close(session);
	return 0;
}
