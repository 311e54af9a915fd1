/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever calls itself a kubeconfig, and the PEM texts in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kubeconfig.h"
#include "lib/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_pem(const char *pem)
{
	char hex[SHA256_HEX];
	struct error err = { 0 };
	size_t len = pem ? strlen(pem) : 0;
	bool hashed = certificate_spki_sha256("pem", pem, len, hex, &err) == 0;

	if (hashed != certificate_whole(pem, len))
		abort();
	if (certificate_has_key(pem, len, pem, len) && !certificate_key_whole(pem, len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	struct error err = { 0 };

	if (kubeconfig_parse("kubeconfig", (const char *)data, size, &k, &err) < 0) {
		if (!err.class || k.server)
			abort();
		return 0;
	}
	if (!k.server || (!k.ca.text && !k.ca.file) || (!k.token && !k.key.text && !k.key.file))
		abort();
	read_pem(k.ca.text);
	read_pem(k.certificate.text);
	return 0;
}
