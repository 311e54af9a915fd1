/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/x509_openssl.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>

void x509_bio_free_p(BIO **bio)
{
	BIO_free(*bio);
}

void x509_free_p(X509 **certificate)
{
	X509_free(*certificate);
}

void x509_key_free_p(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static BIO *open_text(const char *pem, size_t len)
{
	return BIO_new_mem_buf(pem ? pem : "", pem && len < INT_MAX ? (int)len : 0);
}

X509 *x509_read(const char *pem, size_t len)
{
	CLEANUP(x509_bio_free_p) BIO *bio = open_text(pem, len);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;

	ERR_clear_error();
	return certificate;
}

EVP_PKEY *x509_read_key(const char *pem, size_t len)
{
	CLEANUP(x509_bio_free_p) BIO *bio = open_text(pem, len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	ERR_clear_error();
	return key;
}

EVP_PKEY *x509_read_public_key(const char *pem, size_t len)
{
	CLEANUP(x509_bio_free_p) BIO *bio = open_text(pem, len);
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL) : NULL;

	ERR_clear_error();
	return key;
}
