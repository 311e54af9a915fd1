/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/secret_key.h"

#include <ctype.h>
#include <string.h>

#include "lib/macro.h"

#define KEY_LABEL_MAX 40 /* bytes between "-----BEGIN " and "PRIVATE KEY" */
#define KEY_BODY_MIN 16  /* characters after the header: without them it is a program that knows the format */

static bool is_key_body(const char *at, const char *end)
{
	size_t n = 0;

	/* A newline; in JSON it is two characters. */
	if (at < end && *at == '\r')
		at++;
	if (end - at >= 2 && !memcmp(at, "\\n", 2))
		at += 2;
	else if (at >= end || *at++ != '\n')
		return false;
	if (end - at >= 5 && !memcmp(at, "-----", 5))
		return false;
	for (; at < end && n < KEY_BODY_MIN; at++, n++)
		if (!isalnum((unsigned char)*at) && !(*at && strchr("+/=:,- \r\n\\", *at)))
			return false;
	return n == KEY_BODY_MIN;
}

/* "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PGP PRIVATE KEY BLOCK-----" and the like, with a body. */
static bool has_pem(const char *content, size_t len)
{
	static const char begin[] = "-----BEGIN ", key[] = "PRIVATE KEY", dashes[] = "-----";
	const char *end = content + len, *at = content;

	while ((at = memmem(at, (size_t)(end - at), begin, strlen(begin)))) {
		at += strlen(begin);
		size_t left = (size_t)(end - at), label = left < KEY_LABEL_MAX ? left : KEY_LABEL_MAX;
		const char *found = memmem(at, label, key, strlen(key));
		const char *close = found ? memmem(found, (size_t)(end - found), dashes, strlen(dashes)) : NULL;
		if (close && close - found < KEY_LABEL_MAX && is_key_body(close + strlen(dashes), end))
			return true;
	}
	return false;
}

/* Anywhere in a file. The last ones are base64 of "-----BEGIN " and the beginning of a private key's label, as in a kubeconfig. */
static const struct {
	const char *mark, *what;
} marks[] = {
	{ "\nAGE-SECRET-KEY-1", "has a private key of age" },
	{ "PuTTY-User-Key-File-", "is a private key of PuTTY" },
	{ "Private-key-format: v1", "is a private key of DNSSEC" },
	{ "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS", "has a private key" },
	{ "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV", "has a private key" },
	{ "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS", "has a private key" },
	{ "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZ", "has a private key" },
};

/* At the beginning of a file. dropbear's host keys are like SSH's public keys, with the private part behind them; a public key alone
 * is text everywhere. */
static const struct {
	const char *bytes;
	size_t len;
	const char *what;
} beginnings[] = {
	{ "\0\0\0\x0bssh-ed25519", 15, "is a host key of dropbear" },
	{ "\0\0\0\7ssh-rsa", 11, "is a host key of dropbear" },
	{ "\0\0\0\7ssh-dss", 11, "is a host key of dropbear" },
	{ "\0\0\0\x13"
	  "ecdsa-sha2-nistp",
	  20, "is a host key of dropbear" },
	{ "\xfe\xed\xfe\xed", 4, "is a container of private keys" },
	{ "== ed25519v1-secret:", 20, "is a private key of Tor" },
	{ "openssh-key-v1\0", 15, "is a private key of OpenSSH" },
};

/* The content of one DER sequence that is the whole file: what begins it. PKCS #8, PKCS #1, SEC 1 and PKCS #12 begin with a version. */
static const char *der_key(const unsigned char *at, size_t len)
{
	size_t header = 2, size;

	if (len < 8 || at[0] != 0x30)
		return NULL;
	if (at[1] == 0x82)
		size = (size_t)at[2] << 8 | at[3], header = 4;
	else if (at[1] == 0x81)
		size = at[2], header = 3;
	else
		size = at[1];
	if (size + header != len || len < header + 4 || at[header] != 2 || at[header + 1] != 1)
		return NULL;
	unsigned char version = at[header + 2], next = at[header + 3];
	if (version <= 1 && (next == 0x30 || next == 2 || next == 4))
		return "is a private key";
	return version == 3 && next == 0x30 ? "is a container of private keys" : NULL;
}

const char *secret_key_what(const char *content, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (len >= beginnings[i].len && !memcmp(content, beginnings[i].bytes, beginnings[i].len))
			return beginnings[i].what;
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (memmem(content, len, marks[i].mark, strlen(marks[i].mark)))
			return marks[i].what;
	return has_pem(content, len) ? "has a private key" : der_key((const unsigned char *)content, len);
}
