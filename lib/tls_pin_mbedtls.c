/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification by Mbed TLS 3.6. libcurl sets it up with a profile that has SHA-1 and RSA keys of 1024 bits; and Mbed TLS itself
 * takes a name in a certificate for an address, accepts "*.com", ignores name constraints that are not critical and the purposes of
 * intermediate CAs. All of that is made here what OpenSSL does.
 */
#include <arpa/inet.h>
#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/tls_pin_internal.h"

#define ADDRESS_MAX 16
/* id-ce-nameConstraints, 2.5.29.30, as DER: no encoding of it differs. */
#define NAME_CONSTRAINTS "\x06\x03\x55\x1d\x1e"

/* With forward secrecy and AEAD, best first: what Proxmox VE and Kubernetes offer in any configuration of theirs. */
static const int ciphers[] = {
	MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	0,
};

/* PSS last: Mbed TLS has it only in TLS 1.3, where the others of RSA do not count. */
static const uint16_t signatures[] = {
	MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
	MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
	MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,       MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
	MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
	MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,    MBEDTLS_TLS1_3_SIG_NONE,
};
/* These, without PSS. */
static const uint16_t signatures_of_tls12[] = {
	MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
	MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
	MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
	MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
	MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
	MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
	MBEDTLS_TLS1_3_SIG_NONE,
};
/* What libcurl says when a server without TLS 1.3 signs with PSS: MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER. */
#define SIGNED_WITH_PSS "(-0x6600)"

/* Messages of libcurl for certificates that were refused before verify() was called: those that cannot be parsed. */
static const char *const refusals[] = {
	"X509 - ",
	"PK - ",
	"Processing of the Certificate handshake message failed",
};

/* Returns the length of the address, 0 when host is a name. */
static size_t parse_address(const char *host, unsigned char ret_address[ADDRESS_MAX])
{
	if (inet_pton(AF_INET, host, ret_address) == 1)
		return 4;
	return inet_pton(AF_INET6, host, ret_address) == 1 ? 16 : 0;
}

static bool has_name(const mbedtls_x509_buf *name, const char *host, size_t len)
{
	return name->len == len && !strncasecmp((const char *)name->p, host, len);
}

/* "*.example.org" has a.example.org, but neither a.b.example.org nor example.org; "*.org" has nothing. */
static bool wildcard_has_name(const mbedtls_x509_buf *pattern, const char *host)
{
	const char *rest = strchr(host, '.');
	mbedtls_x509_buf end = { .p = pattern->p + 1, .len = pattern->len - 1 };

	if (pattern->len < 3 || pattern->p[0] != '*' || pattern->p[1] != '.' || !rest || rest == host)
		return false;
	return strchr(rest + 1, '.') && has_name(&end, rest, strlen(rest));
}

static bool text_names_host(const mbedtls_x509_buf *text, const char *host)
{
	return has_name(text, host, strlen(host)) || wildcard_has_name(text, host);
}

/* The subject counts only for a name, and only without alternative names. */
static bool subject_names_host(const mbedtls_x509_crt *leaf, const char *host)
{
	if (mbedtls_x509_crt_has_ext_type(leaf, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME))
		return false;
	for (const mbedtls_x509_name *part = &leaf->subject; part; part = part->next)
		if (!MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) && text_names_host(&part->val, host))
			return true;
	return false;
}

/* An address must be an address in the certificate, too. */
static bool names_host(const mbedtls_x509_crt *leaf, const char *host)
{
	unsigned char address[ADDRESS_MAX];
	size_t len = parse_address(host, address);

	for (const mbedtls_x509_sequence *s = &leaf->subject_alt_names; s; s = s->next) {
		int kind = s->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
		if (len && kind == MBEDTLS_X509_SAN_IP_ADDRESS && s->buf.len == len && !memcmp(s->buf.p, address, len))
			return true;
		if (!len && kind == MBEDTLS_X509_SAN_DNS_NAME && text_names_host(&s->buf, host))
			return true;
	}
	return !len && subject_names_host(leaf, host);
}

static uint32_t faults_of_issuer(const mbedtls_x509_crt *ca)
{
	uint32_t faults = 0;

	if (ca->v3_ext.len && memmem(ca->v3_ext.p, ca->v3_ext.len, NAME_CONSTRAINTS, sizeof NAME_CONSTRAINTS - 1))
		faults |= MBEDTLS_X509_BADCERT_OTHER;
	if (mbedtls_x509_crt_check_extended_key_usage(ca, MBEDTLS_OID_SERVER_AUTH,
						      MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
		faults |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
	return faults;
}

static void explain(struct tls_pin *pin, uint32_t faults)
{
	static const struct {
		uint32_t fault;
		const char *text;
	} reasons[] = {
		{ MBEDTLS_X509_BADCERT_CN_MISMATCH, "it does not name this host" },
		{ MBEDTLS_X509_BADCERT_EXPIRED, "it, or an issuer's, has expired" },
		{ MBEDTLS_X509_BADCERT_FUTURE, "it, or an issuer's, is not valid yet" },
		{ MBEDTLS_X509_BADCERT_NOT_TRUSTED, "it is not signed by a trusted CA" },
		{ MBEDTLS_X509_BADCERT_OTHER, "a CA has name constraints, which cannot be checked here" },
		{ MBEDTLS_X509_BADCERT_BAD_MD, "a signature is made with a weak hash" },
		{ MBEDTLS_X509_BADCERT_BAD_KEY, "a key is too short" },
		{ MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, "a certificate is not for servers" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (faults & reasons[i].fault) {
			snprintf(pin->why, sizeof pin->why, "%s", reasons[i].text);
			return;
		}
	snprintf(pin->why, sizeof pin->why, "its verification failed (0x%x)", faults);
}

/* Called for each certificate of the chain, the root's first and the leaf last (depth 0). What *flags says of all of them decides. */
static int verify(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	struct tls_pin *pin = context;

	if (depth > 0) {
		pin->above |= *flags | faults_of_issuer(certificate);
		*flags = 0;
		return 0;
	}
	tls_pin_remember(pin, certificate->raw.p, certificate->raw.len);
	*flags |= pin->above | (names_host(certificate, pin->host) ? 0 : MBEDTLS_X509_BADCERT_CN_MISMATCH);
	pin->above = 0;
	if (tls_pin_lists(pin))
		*flags = 0;
	if (*flags)
		explain(pin, *flags);
	return 0;
}

bool tls_pin_is_needed(const struct strings *fingerprints UNUSED)
{
	return true;
}

void tls_pin_install(struct tls_pin *pin, void *ssl)
{
	pin->above = 0;
	pin->seen[0] = pin->why[0] = '\0';
	mbedtls_ssl_conf_authmode(ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_cert_profile(ssl, &mbedtls_x509_crt_profile_default);
	mbedtls_ssl_conf_ciphersuites(ssl, ciphers);
	mbedtls_ssl_conf_sig_algs(ssl, pin->tls12 ? signatures_of_tls12 : signatures);
	if (pin->tls12)
		mbedtls_ssl_conf_max_tls_version(ssl, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_renegotiation(ssl, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
	mbedtls_ssl_conf_legacy_renegotiation(ssl, MBEDTLS_SSL_LEGACY_BREAK_HANDSHAKE);
	mbedtls_ssl_conf_verify(ssl, verify, pin);
}

/* Such a server prefers PSS although it comes last. */
bool tls_pin_try_tls12(struct tls_pin *pin, const char *message)
{
	if (pin->tls12 || *pin->why || !*pin->seen || !strstr(message, SIGNED_WITH_PSS))
		return false;
	pin->tls12 = true;
	return true;
}

bool tls_pin_refused(const struct tls_pin *pin, const char *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (strstr(message, refusals[i]))
			return true;
	return *pin->why;
}
