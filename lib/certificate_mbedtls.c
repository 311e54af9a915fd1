/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys by Mbed TLS 3.6. */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* the signature of a certificate; Mbed TLS verifies only whole chains, with dates */
#include <mbedtls/md.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/certificate.h"
#include "lib/macro.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

/* Keys are parsed and compared with random numbers, which need this once. */
static int ready(void)
{
	return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static void key_done(mbedtls_pk_context *key)
{
	mbedtls_pk_free(key);
}

static void certificate_done(mbedtls_x509_crt *certificate)
{
	mbedtls_x509_crt_free(certificate);
}

/* Extensions that Mbed TLS does not know do not matter here: what these functions return makes no server trusted. */
static int accept_extension(void *context UNUSED, const mbedtls_x509_crt *certificate UNUSED,
			    const mbedtls_x509_buf *oid UNUSED, int critical UNUSED, const unsigned char *p UNUSED,
			    const unsigned char *end UNUSED)
{
	return 0;
}

static char *text_of(const char *pem, size_t len)
{
	return xstrndup(pem ? pem : "", pem ? len : 0);
}

/* The first certificate of the text, into an initialized *ret. */
static int read_certificate(const char *pem, size_t len, mbedtls_x509_crt *ret)
{
	CLEANUP(free_p) char *text = text_of(pem, len);
	const char *start = strstr(text, BEGIN);
	mbedtls_pem_context block;
	size_t used;

	if (!start)
		return -1;
	mbedtls_pem_init(&block);
	int rc = mbedtls_pem_read_buffer(&block, BEGIN, END, (const unsigned char *)start, NULL, 0, &used);
	if (rc == 0) {
		size_t size;
		const unsigned char *der = mbedtls_pem_get_buffer(&block, &size);
		rc = mbedtls_x509_crt_parse_der_with_ext_cb(ret, der, size, 1, accept_extension, NULL);
	}
	mbedtls_pem_free(&block);
	return rc == 0 ? 0 : -1;
}

static int read_key(const char *pem, size_t len, mbedtls_pk_context *ret)
{
	CLEANUP(wipe_p) char *text = text_of(pem, len);

	if (ready() < 0)
		return -1;
	return mbedtls_pk_parse_key(ret, (const unsigned char *)text, strlen(text) + 1, NULL, 0, mbedtls_psa_get_random,
				    MBEDTLS_PSA_RANDOM_STATE) == 0
		       ? 0
		       : -1;
}

int certificate_spki_sha256(const char *name, const char *pem, size_t len, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(certificate_done) mbedtls_x509_crt certificate;

	mbedtls_x509_crt_init(&certificate);
	if (read_certificate(pem, len, &certificate) < 0)
		return error_set(err, ERROR_INPUT, "%s is not a complete PEM certificate", name);
	sha256_hex(certificate.pk_raw.p, certificate.pk_raw.len, ret_hex);
	return 0;
}

bool certificate_whole(const char *pem, size_t len)
{
	CLEANUP(certificate_done) mbedtls_x509_crt certificate;

	mbedtls_x509_crt_init(&certificate);
	return read_certificate(pem, len, &certificate) == 0;
}

static time_t time_of(const mbedtls_x509_time *t)
{
	struct tm utc = { .tm_year = t->year - 1900,
			  .tm_mon = t->mon - 1,
			  .tm_mday = t->day,
			  .tm_hour = t->hour,
			  .tm_min = t->min,
			  .tm_sec = t->sec };

	return timegm(&utc);
}

bool certificate_dates(const char *pem, size_t len, time_t *ret_from, time_t *ret_until)
{
	CLEANUP(certificate_done) mbedtls_x509_crt certificate;

	mbedtls_x509_crt_init(&certificate);
	if (ready() < 0 || read_certificate(pem, len, &certificate) < 0)
		return false;
	if (ret_from)
		*ret_from = time_of(&certificate.valid_from);
	*ret_until = time_of(&certificate.valid_to);
	return true;
}

bool certificate_key_whole(const char *pem, size_t len)
{
	CLEANUP(key_done) mbedtls_pk_context key;

	mbedtls_pk_init(&key);
	return read_key(pem, len, &key) == 0;
}

bool certificate_public_key_whole(const char *pem, size_t len)
{
	CLEANUP(free_p) char *text = text_of(pem, len);
	CLEANUP(key_done) mbedtls_pk_context key;

	mbedtls_pk_init(&key);
	return mbedtls_pk_parse_public_key(&key, (const unsigned char *)text, strlen(text) + 1) == 0;
}

bool certificate_has_key(const char *pem, size_t len, const char *key, size_t key_len)
{
	CLEANUP(certificate_done) mbedtls_x509_crt certificate;
	CLEANUP(key_done) mbedtls_pk_context pair;

	mbedtls_x509_crt_init(&certificate);
	mbedtls_pk_init(&pair);
	return read_certificate(pem, len, &certificate) == 0 && read_key(key, key_len, &pair) == 0 &&
	       mbedtls_pk_check_pair(&certificate.pk, &pair, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE) == 0;
}

static bool has_signature_of(const mbedtls_x509_crt *certificate, mbedtls_pk_context *key)
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(certificate->sig_md);
	unsigned char sum[MBEDTLS_MD_MAX_SIZE];

	return md && mbedtls_pk_can_do(key, certificate->sig_pk) &&
	       mbedtls_md(md, certificate->tbs.p, certificate->tbs.len, sum) == 0 &&
	       mbedtls_pk_verify_ext(certificate->sig_pk, certificate->sig_opts, key, certificate->sig_md, sum,
				     mbedtls_md_get_size(md), certificate->sig.p, certificate->sig.len) == 0;
}

bool certificate_signed_by(const char *pem, size_t len, const char *ca, size_t ca_len)
{
	CLEANUP(certificate_done) mbedtls_x509_crt certificate;
	CLEANUP(certificate_done) mbedtls_x509_crt issuer;

	mbedtls_x509_crt_init(&certificate);
	mbedtls_x509_crt_init(&issuer);
	return read_certificate(pem, len, &certificate) == 0 && read_certificate(ca, ca_len, &issuer) == 0 &&
	       has_signature_of(&certificate, &issuer.pk);
}
