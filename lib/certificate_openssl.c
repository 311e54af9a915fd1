/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/certificate.h"

#include <openssl/err.h>

#include "lib/x509_openssl.h"

int certificate_spki_sha256(const char *name, const char *pem, size_t len, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(x509_free_p) X509 *certificate = x509_read(pem, len);
	unsigned char *der = NULL;
	int size = certificate ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der) : -1;

	if (size <= 0)
		return error_set(err, ERROR_INPUT, "%s is not a complete PEM certificate", name);
	sha256_hex(der, (size_t)size, ret_hex);
	OPENSSL_free(der);
	return 0;
}

bool certificate_whole(const char *pem, size_t len)
{
	CLEANUP(x509_free_p) X509 *certificate = x509_read(pem, len);

	return certificate != NULL;
}

bool certificate_dates(const char *pem, size_t len, time_t *ret_from, time_t *ret_until)
{
	CLEANUP(x509_free_p) X509 *certificate = x509_read(pem, len);
	struct tm from, until;

	if (!certificate || ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &from) != 1 ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) != 1)
		return false;
	if (ret_from)
		*ret_from = timegm(&from);
	*ret_until = timegm(&until);
	return true;
}

bool certificate_key_whole(const char *pem, size_t len)
{
	CLEANUP(x509_key_free_p) EVP_PKEY *key = x509_read_key(pem, len);

	return key != NULL;
}

bool certificate_public_key_whole(const char *pem, size_t len)
{
	CLEANUP(x509_key_free_p) EVP_PKEY *key = x509_read_public_key(pem, len);

	return key != NULL;
}

bool certificate_has_key(const char *pem, size_t len, const char *key, size_t key_len)
{
	CLEANUP(x509_free_p) X509 *certificate = x509_read(pem, len);
	CLEANUP(x509_key_free_p) EVP_PKEY *pair = x509_read_key(key, key_len);
	bool same = certificate && pair && X509_check_private_key(certificate, pair) == 1;

	ERR_clear_error();
	return same;
}

bool certificate_signed_by(const char *pem, size_t len, const char *ca, size_t ca_len)
{
	CLEANUP(x509_free_p) X509 *certificate = x509_read(pem, len);
	CLEANUP(x509_free_p) X509 *issuer = x509_read(ca, ca_len);
	bool is_signed = certificate && issuer && X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;

	ERR_clear_error();
	return is_signed;
}
