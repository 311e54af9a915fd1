/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/node_record.h"

/* Lines cannot be mixed up: node_record.c accepts no value with a line break. */
void node_record_mac(const struct node_record *m, const char *key, char ret_hex[SHA256_HEX])
{
	CLEANUP(text_done) struct text t = { 0 };

	text_addf(&t, "nodekiln election\n%s\n%lld\n%s\n%s\n%s\n%s\n", m->cluster, (long long)m->vmid,
		  m->node ? m->node : "", m->endpoint ? m->endpoint : "", m->claim ? m->claim : "",
		  m->mark ? m->mark : "");
	hmac_sha256_hex(key, strlen(key), t.data, t.len, ret_hex);
}
